import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  generateKeyPair,
  type KeyPair,
  publicKeyHex,
  type SigningKey,
} from "../core/crypto/signature.ts";
import { decodeHex, encodeHex } from "../core/hex.ts";
import type { DataFolder } from "./content/data-folder.ts";
import { writeDurably } from "./content/durable-file.ts";
import { StartError } from "./start-error.ts";
import type { StatusStore } from "./store/store.ts";

/** The key that signs this relay's tickets and versions. */
export type Identity = { readonly publicKey: string; readonly privateKey: SigningKey };

const FILE = "relay-key"; // one line each: PKCS #8 of the private key, the public key, in hexadecimal

/** The relay's key, which must be the one that this ledger's history was signed with. */
export async function openOwnIdentity(folder: DataFolder, status: StatusStore): Promise<Identity> {
  const identity = await openIdentity(folder.path, folder.temporary);
  const known = await status.setting("relay-key");
  if (known === undefined) await status.putSetting("relay-key", identity.publicKey);
  else if (known !== identity.publicKey) {
    throw new StartError(
      `The data folder ${folder.path} is damaged: its relay-key is not the one that signed its history. Put a backup in its place.`,
    );
  }
  return identity;
}

/** Read the relay's Ed25519 key from `dataDir`, or make it there, for its owner's eyes only. */
export async function openIdentity(dataDir: string, temporary: string): Promise<Identity> {
  const path = join(dataDir, FILE);
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw new StartError(`The relay's key ${path} cannot be read (${error.code}).`);
  });
  if (text !== null) return parseIdentity(path, text);
  const pair: KeyPair = await generateKeyPair(true);
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  const publicKey = await publicKeyHex(pair);
  const bytes = new TextEncoder().encode(`${encodeHex(pkcs8)}\n${publicKey}\n`);
  await writeDurably(path, bytes, { temporary, mode: 0o600 });
  return { publicKey, privateKey: pair.privateKey };
}

async function parseIdentity(path: string, text: string): Promise<Identity> {
  const [pkcs8 = "", publicKey = ""] = text.split("\n");
  try {
    const privateKey = await crypto.subtle.importKey("pkcs8", decodeHex(pkcs8), "Ed25519", false, [
      "sign",
    ]);
    if (!/^[0-9a-f]{64}$/.test(publicKey)) throw new Error("no public key");
    return { publicKey, privateKey };
  } catch {
    // whatever the parser says about a private key's bytes is not for a terminal
    throw new StartError(`The relay's key ${path} is damaged: put a backup in its place.`);
  }
}
