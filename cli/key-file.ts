import * as z from "zod/mini";
import { type KeyPair, publicKeyHex } from "../core/crypto/signature.ts";
import { decodeHex, encodeHex } from "../core/hex.ts";
import { parseJson } from "../core/protocol/canonical-json.ts";
import { publicKey } from "../core/protocol/schemas/primitives.ts";

const keyFile = z.strictObject({
  format: z.literal("commonweight.key/1"),
  publicKey,
  /** PKCS #8 in hexadecimal: WebCrypto cannot derive the public key from it. */
  privateKey: z.string(),
});

/** The file that holds a contributor's keys; who can read it can contribute in its name. */
export async function encodeKeyFile(pair: KeyPair): Promise<string> {
  const privateKey = await crypto.subtle.exportKey("pkcs8", pair.privateKey);
  return JSON.stringify({
    format: "commonweight.key/1",
    publicKey: await publicKeyHex(pair),
    privateKey: encodeHex(new Uint8Array(privateKey)),
  } satisfies z.infer<typeof keyFile>);
}

/** The keys in a key file; `path` names it if it is damaged. */
export async function decodeKeyFile(path: string, bytes: Uint8Array): Promise<KeyPair> {
  const file = parseJson(path, keyFile, bytes);
  const [publicBytes, privateBytes] = [decodeHex(file.publicKey), decodeHex(file.privateKey)];
  return {
    publicKey: await crypto.subtle.importKey("raw", publicBytes, "Ed25519", true, ["verify"]),
    privateKey: await crypto.subtle.importKey("pkcs8", privateBytes, "Ed25519", true, ["sign"]),
  };
}
