import { sha256 } from "../crypto/signature.ts";
import { decodeHex } from "../hex.ts";
import type { VersionRecord } from "../protocol/schemas/version.ts";

/** What a record says of its own reference's seed, 64 hexadecimal digits, before anybody may know it (protocol V8). */
export function commitToSeed(seed: string): Promise<string> {
  return sha256(decodeHex(seed));
}

/** The version whose seed version `number` reveals: the first that no work can be based on any more; null if there is none. */
export function revealedBy(number: number, stalenessLimit: number): number | null {
  const revealed = number - stalenessLimit - 1;
  return revealed < 0 ? null : revealed;
}

/** Whether the seed that `record` reveals is the one that `earlier`, the version it is of, was committed to. */
export async function isRevealedTruly(
  record: VersionRecord,
  earlier: VersionRecord,
): Promise<boolean> {
  const revealed = record.reference?.revealed;
  if (revealed === undefined || revealed.version !== earlier.number) return false;
  return (await commitToSeed(revealed.seed)) === earlier.reference?.commitment;
}
