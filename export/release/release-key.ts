import { hkdfSync } from "node:crypto";
import { p256 } from "@noble/curves/nist.js";
import { decodeHex, encodeHex } from "../../core/hex.ts";

/** The P-256 key that signs a relay's releases: tools that verify models know no Ed25519. */
export type ReleaseKey = {
  /** The compressed point, 66 hexadecimal digits. */
  readonly publicKey: string;
  /** 32 bytes. */
  readonly secret: Uint8Array;
};

const SCALAR_BYTES = 48; // 16 more than the order has: what is left after the remainder is even to 2^-128
/** SubjectPublicKeyInfo of an uncompressed P-256 point, up to the point (RFC 5480). */
const SPKI_HEAD = "3059301306072a8648ce3d020106082a8648ce3d030107034200";

/** The release key that follows from the PKCS #8 form of a relay's Ed25519 key: HKDF-SHA256, then the remainder (protocol R11). */
export function deriveReleaseKey(pkcs8: Uint8Array): ReleaseKey {
  const wide = hkdfSync("sha256", pkcs8, "", "commonweight/release-key/1", SCALAR_BYTES);
  const secret = p256.utils.randomSecretKey(new Uint8Array(wide));
  return { publicKey: encodeHex(p256.getPublicKey(secret, true)), secret };
}

/** The ECDSA signature of `message` under SHA-256 in DER, with the nonce of RFC 6979: the same message, the same bytes. */
export function signForRelease(message: Uint8Array, { secret }: ReleaseKey): Uint8Array {
  return p256.sign(message, secret, { format: "der", lowS: false });
}

/** Whether `signature`, in DER, is `publicKey`'s of `message`. */
export function verifyForRelease(
  message: Uint8Array,
  signature: Uint8Array,
  publicKey: string,
): boolean {
  try {
    return p256.verify(signature, message, decodeHex(publicKey), { format: "der", lowS: false });
  } catch {
    return false; // no DER, or no point of the curve: a foreign signature, not our bug
  }
}

/** The public key as a PEM file, as openssl and model signing's tools read it. Throws an Error where it is no point of the curve. */
export function releaseKeyPem(publicKey: string): string {
  const point = p256.Point.fromHex(publicKey).toBytes(false);
  const spki = new Uint8Array([...decodeHex(SPKI_HEAD), ...point]);
  const lines =
    Buffer.from(spki)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return ["-----BEGIN PUBLIC KEY-----", ...lines, "-----END PUBLIC KEY-----", ""].join("\n");
}
