import { sha256, signId, verifyId } from "../../core/crypto/signature.ts";
import type { Identity } from "../identity.ts";

export const SESSION_COOKIE = "commonweight-session";
export const SESSION_MS = 12 * 3_600_000; // a day's work

/** Who signed in: the hash of the maintainer's token, and until when the session holds, in ms since 1970. */
export type SignedInMaintainer = { readonly tokenHash: string; readonly until: number };

const FORM = /^(\d{13})\.([0-9a-f]{64})\.([0-9a-f]{128})$/;

/** A session as a cookie's value, signed by the relay: nothing is kept, so that a restart ends no session. */
export async function sealSession(
  { tokenHash, until }: SignedInMaintainer,
  { privateKey }: Identity,
): Promise<string> {
  const word = `${until}.${tokenHash}`;
  return `${word}.${await signId("session", await hashOf(word), privateKey)}`;
}

/** The session in a cookie's value; null where this relay did not write it, or its time is over at `now`. */
export async function openMaintainerSession(
  value: string,
  { publicKey }: Identity,
  now: number,
): Promise<SignedInMaintainer | null> {
  const [, until = "", tokenHash = "", signature = ""] = FORM.exec(value) ?? [];
  if (signature === "" || Number(until) <= now) return null;
  const id = await hashOf(`${until}.${tokenHash}`);
  const isOurs = await verifyId("session", id, signature, publicKey);
  return isOurs ? { tokenHash, until: Number(until) } : null;
}

function hashOf(word: string): Promise<string> {
  return sha256(new TextEncoder().encode(word));
}
