import { sha256 } from "../crypto/signature.ts";
import { decodeHex } from "../hex.ts";
import type { VersionRecord } from "../protocol/schemas/version.ts";

/** What a record says of its own reference's seed, 64 hexadecimal digits, before anybody may know it (protocol V11). */
export function commitToSeed(seed: string): Promise<string> {
  return sha256(decodeHex(seed));
}

/** The version whose seed version `number` reveals: the first that no work can be based on any more; null if there is none. */
export function revealedBy(number: number, stalenessLimit: number): number | null {
  const revealed = number - stalenessLimit - 1;
  return revealed < 0 ? null : revealed;
}

/**
 * Whether the seed that `record` reveals, if it reveals any, is the one that the version it is of committed to; `earlier` finds
 * the versions before it by number. A version from before seeds were secret committed to nothing, and any seed of it is true.
 */
export async function isRevealedTruly(
  { reference }: Pick<VersionRecord, "reference">,
  earlier: (number: number) => Pick<VersionRecord, "reference"> | undefined,
): Promise<boolean> {
  const revealed = reference?.revealed;
  if (revealed === undefined) return true;
  const version = earlier(revealed.version);
  if (version === undefined) return false;
  const commitment = version.reference?.commitment;
  return commitment === undefined || (await commitToSeed(revealed.seed)) === commitment;
}
