import {
  generateKeyPair,
  type KeyPair,
  publicKeyHex,
  type SigningKey,
} from "../core/crypto/signature.ts";
import { decodeHex, encodeHex } from "../core/hex.ts";
import { deriveReleaseKey, type ReleaseKey } from "../export/release/release-key.ts";
import type { Objects } from "./content/objects.ts";
import { StartError } from "./start-error.ts";
import { isStorageFull } from "./storage-error.ts";
import type { StatusStore } from "./store/store.ts";

/** The key that signs this relay's tickets and versions, and the one that follows from it and signs releases. */
export type Identity = {
  readonly publicKey: string;
  readonly privateKey: SigningKey;
  readonly releaseKey: ReleaseKey;
};

const NAME = "relay-key"; // one line each: PKCS #8 of the private key, the public key, in hexadecimal

/** The relay's key, which must be the one that this ledger's history was signed with. `where` is what a person calls the place. */
export async function openOwnIdentity(
  objects: Objects,
  where: string,
  status: StatusStore,
): Promise<Identity> {
  const identity = await openIdentity(objects, where);
  const known = await status.setting("relay-key");
  if (known === undefined) await status.putSetting("relay-key", identity.publicKey);
  else if (known !== identity.publicKey) {
    throw new StartError(
      `The files in ${where} are damaged: their relay-key is not the one that signed its history. Put a backup in their place.`,
    );
  }
  return identity;
}

/** Read the relay's Ed25519 key, or make one, for nobody else's eyes. */
export async function openIdentity(objects: Objects, where: string): Promise<Identity> {
  const known = await reached(where, objects.read(NAME));
  if (known !== null) return parseIdentity(where, new TextDecoder().decode(known));
  const pair: KeyPair = await generateKeyPair(true);
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  const publicKey = await publicKeyHex(pair);
  const bytes = new TextEncoder().encode(`${encodeHex(pkcs8)}\n${publicKey}\n`);
  await reached(where, objects.put(NAME, bytes));
  return { publicKey, privateKey: pair.privateKey, releaseKey: deriveReleaseKey(pkcs8) };
}

/** The first access to the relay's files: a StartError says why it failed. */
async function reached<T>(where: string, access: Promise<T>): Promise<T> {
  try {
    return await access;
  } catch (error) {
    if (isStorageFull(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(`The relay's key in ${where} cannot be reached: ${reason}.`);
  }
}

async function parseIdentity(where: string, text: string): Promise<Identity> {
  const [pkcs8 = "", publicKey = ""] = text.split("\n");
  try {
    const bytes = decodeHex(pkcs8);
    const privateKey = await crypto.subtle.importKey("pkcs8", bytes, "Ed25519", false, ["sign"]);
    if (!/^[0-9a-f]{64}$/.test(publicKey)) throw new Error("no public key");
    return { publicKey, privateKey, releaseKey: deriveReleaseKey(bytes) };
  } catch {
    // whatever the parser says about a private key's bytes is not for a terminal
    throw new StartError(`The relay's key in ${where} is damaged: put a backup in its place.`);
  }
}
