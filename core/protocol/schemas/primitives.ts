import * as z from "zod/mini";

/** Lower-case hexadecimal of a SHA-256. */
export const hash = z.string().check(z.regex(/^[0-9a-f]{64}$/));
/** Lower-case hexadecimal of an Ed25519 public key: it *is* the contributor. */
export const publicKey = z.string().check(z.regex(/^[0-9a-f]{64}$/));
/** Lower-case hexadecimal of a compressed P-256 point: the key that signs a relay's releases. */
export const releasePublicKey = z.string().check(z.regex(/^0[23][0-9a-f]{64}$/));
/** Lower-case hexadecimal of an Ed25519 signature. */
export const signature = z.string().check(z.regex(/^[0-9a-f]{128}$/));
/** Lower-case hexadecimal of 16 random bytes. */
export const ticketId = z.string().check(z.regex(/^[0-9a-f]{32}$/));
/** Name of a model in paths and addresses. */
export const modelId = z.string().check(z.regex(/^[a-z][a-z0-9-]{0,31}$/));

/** A semantic version of three numbers, such as 1.2.0. */
export const releaseTag = z
  .string()
  .check(z.regex(/^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$/));

export const count = z.int().check(z.minimum(0));
export const positive = z.int().check(z.minimum(1));
/** Milliseconds since 1970-01-01T00:00Z. */
export const timeMs = z.int().check(z.minimum(0));
/** Where a relay can be found, for people and commands: a hint, which nothing is trusted for. */
export const relayUrl = z
  .string()
  .check(z.maxLength(200), z.regex(/^https?:\/\/[a-z0-9.:[\]-]+(\/[\w.~-]+)*$/i));
/** Text that people read, bounded so that records stay small. */
export const shortText = z.string().check(z.maxLength(120));
export const longText = z.string().check(z.maxLength(600));
/** Why somebody does something that others can see: never empty, and without zero characters. */
export const reasonText = longText.check(z.minLength(1), z.regex(/^[^\0]*$/));
