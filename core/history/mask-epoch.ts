import { sha256 } from "../crypto/signature.ts";
import { decodeHex } from "../hex.ts";
import type { Mask } from "../protocol/schemas/mask.ts";
import type { Recipe } from "../protocol/schemas/recipe.ts";
import type { VersionRecord } from "../protocol/schemas/version.ts";

const DOMAIN = "commonweight/mask/1\0";
const SEED_DIGITS = 32; // 16 bytes

/**
 * The seed of a random mask that begins after `parentId` (protocol M5), null for version 0: the first
 * 16 bytes of SHA-256("commonweight/mask/1\0" + the parent's id, or 32 zero bytes). The relay cannot
 * choose it, and nobody knows it before the parent is published.
 */
export async function maskSeed(parentId: string | null): Promise<string> {
  const domain = new TextEncoder().encode(DOMAIN);
  const bytes = new Uint8Array(domain.length + 32);
  bytes.set(domain);
  if (parentId !== null) bytes.set(decodeHex(parentId), domain.length);
  return (await sha256(bytes)).slice(0, SEED_DIGITS);
}

/**
 * The mask of the version after `parent` (null: of version 0) for a model of `size` parameters
 * (protocol M6). An epoch begins at every version number that `epochVersions` divides; in between the
 * parent's mask stays, unless the recipe now asks for another kind or count. Until a model publishes
 * shared positions, its epochs are random.
 */
export async function nextMask(
  parent: { readonly id: string; readonly record: VersionRecord } | null,
  policy: Recipe["mask"],
  size: number,
): Promise<Mask> {
  const count = Math.max(1, Math.min(size, Math.round(policy.density * size)));
  if (policy.kind === "own") return { kind: "own", count };
  const before = parent?.record.mask;
  const number = parent === null ? 0 : parent.record.number + 1;
  const isEpochStart = number % policy.epochVersions === 0;
  if (!isEpochStart && before?.kind === "random" && before.count === count) return before;
  return { kind: "random", seed: await maskSeed(parent?.id ?? null), count };
}
