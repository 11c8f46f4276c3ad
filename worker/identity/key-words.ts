import { entropyToMnemonic, mnemonicToEntropy } from "@scure/bip39";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import type { KeyPair } from "../../core/crypto/signature.ts";

const WORDS = 24; // 32 bytes of a private key and 8 bits that find mistakes (BIP 39)
const MAX_TEXT_UNITS = 4000; // of what is pasted: the file that the page writes has under 1,000
/** PKCS #8 of an Ed25519 key is this and the 32 bytes of the private key (RFC 8410, §7). */
const PKCS8_HEAD = Uint8Array.of(
  ...[
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
  ],
);

/** A key as 24 English words; null for one that its browser does not let out. */
export async function wordsOfKey({ privateKey }: KeyPair): Promise<string | null> {
  if (!privateKey.extractable) return null;
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
  return entropyToMnemonic(pkcs8.subarray(PKCS8_HEAD.length), wordlist);
}

/**
 * The key that words stand for, as somebody wrote them: with numbers, line ends and lines that begin with #. An Error in a
 * plain sentence for words that are no key.
 */
export async function keyOfWords(text: string): Promise<KeyPair> {
  const seed = seedOf(text);
  const pkcs8 = new Uint8Array(PKCS8_HEAD.length + seed.length);
  pkcs8.set(PKCS8_HEAD);
  pkcs8.set(seed, PKCS8_HEAD.length);
  const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  const { kty, crv, x } = await crypto.subtle.exportKey("jwk", privateKey);
  const open = { kty, crv, x } as JsonWebKey; // without the private part
  const publicKey = await crypto.subtle.importKey("jwk", open, "Ed25519", true, ["verify"]);
  return { publicKey, privateKey };
}

function seedOf(text: string): Uint8Array {
  if (text.length > MAX_TEXT_UNITS) throw new Error("That is too much text for a key's 24 words.");
  const said = text.replace(/^\s*#.*$/gm, "").toLowerCase();
  const words = said.match(/\p{L}+/gu) ?? [];
  if (words.length !== WORDS) {
    throw new Error(
      `A key has ${WORDS} words; here ${words.length === 1 ? "is 1" : `are ${words.length}`}.`,
    );
  }
  const unknown = words.find((word) => !wordlist.includes(word));
  if (unknown !== undefined) throw new Error(`“${unknown}” is not in the list of a key's words.`);
  try {
    return mnemonicToEntropy(words.join(" "), wordlist);
  } catch {
    throw new Error("These words are no key: one of them is wrong, or their order is.");
  }
}
