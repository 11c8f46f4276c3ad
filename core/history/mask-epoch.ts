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

const ARRIVED_PER_OUTSTANDING = 4; // so that at least 80% of the work arrives while its mask is in force

/** What the relay knows of the mask in force when it publishes. */
export type EpochState = {
  /** Versions that have had this mask, the parent among them. */
  readonly versions: number;
  /** Contributions that arrived on it. */
  readonly arrived: number;
  /** Tickets for it that may still come back. */
  readonly outstanding: number;
};

/**
 * Whether the next version begins a new epoch (protocol M6): not before the recipe's `epochVersions`, and not while
 * so much work is still out on the mask that, coming late, it would be more than a fifth of all that was done on it.
 */
export function isEpochOver(
  { versions, arrived, outstanding }: EpochState,
  { epochVersions }: Recipe["mask"],
): boolean {
  if (versions < epochVersions) return false;
  return arrived >= ARRIVED_PER_OUTSTANDING * outstanding;
}

/** A mask that the relay chose by Fisher information, and published as a positions file. */
export type SharedPositions = { readonly positions: string; readonly count: number };

/**
 * The mask of the version after `parent` (null: of version 0) for a model of `size` parameters
 * (protocol M6). In an epoch the parent's mask stays, unless the recipe now asks for another kind or count; a new
 * one has `shared` positions where the recipe asks for them and they are ready, else a random mask.
 */
export async function nextMask(
  parent: { readonly id: string; readonly record: VersionRecord } | null,
  policy: Recipe["mask"],
  size: number,
  { isOver, shared }: { readonly isOver: boolean; readonly shared: SharedPositions | null },
): Promise<Mask> {
  const count = maskCount(policy, size);
  if (policy.kind === "own") return { kind: "own", count };
  const before = parent?.record.mask;
  const isKept = before?.kind === "random" || before?.kind === policy.kind;
  if (!isOver && before !== undefined && isKept && before.count === count) return before;
  if (policy.kind === "shared" && shared !== null) return { kind: "shared", ...shared };
  return { kind: "random", seed: await maskSeed(parent?.id ?? null), count };
}

/**
 * The mask of a history's version 0: of a fork the random one of the version that it began as, so that work on the one is
 * work on the other (protocol V14), where the recipe asks for as many positions.
 */
export async function firstMask(
  policy: Recipe["mask"],
  size: number,
  upstream: Mask | null,
): Promise<Mask> {
  const first = await nextMask(null, policy, size, { isOver: true, shared: null });
  const isKept = upstream?.kind === "random" && first.kind === "random";
  return isKept && upstream.count === first.count ? upstream : first;
}

/** The entries of a mask of the recipe's density: density · size, rounded, at least 1. */
export function maskCount({ density }: Recipe["mask"], size: number): number {
  return Math.max(1, Math.min(size, Math.round(density * size)));
}
