import { FormatError } from "../errors.ts";
import { createPlacedRandom } from "../random.ts";
import type { Layout, LayoutTensor } from "../tensors/layout.ts";
import { exponentialBelow } from "./exponential.ts";
import { createSmallestKeys, type SmallestKeys } from "./smallest-keys.ts";

/** Tensors that together get at least ⌊share · count⌋ positions, as far as their caps allow. */
export type MaskQuota = { readonly tensors: readonly string[]; readonly share: number };

export type FisherMaskOptions = {
  /** Fisher information of every parameter [N], finite and at least 0, on any scale. */
  readonly fisher: Float32Array;
  readonly layout: Layout;
  /** How many positions. */
  readonly count: number;
  /** Of the positions' streams (protocol M7). */
  readonly seed: string;
  /** The same of the protected suite [N], on any scale; null without one. */
  readonly protectedFisher?: Float32Array | null;
  /** How much the protected suite's mean counts against the other one's; 0 is not at all. */
  readonly damping?: number;
  /** Every tensor in at most one of them. */
  readonly quotas?: readonly MaskQuota[];
  /** Most of a tensor's own entries, and most of the mask, that one tensor may have; shares, rounded up. */
  readonly caps?: { readonly ofTensor: number; readonly ofMask: number };
};

const LEAST_WEIGHT = 7.9e-31; // 2^-100, far below the root of the smallest f32: what knows nothing comes last, at random
const NO_CAPS = { ofTensor: 1, ofMask: 1 };

/**
 * `count` distinct positions, ascending [count], sampled without replacement with weight
 * √F · √(F / (F + λ·P)) (protocol M7): the root of the Fisher information, times the root of the share
 * that the community's data has in what a position is good for. λ is `damping` · mean F / mean P, so neither scale
 * counts; without a protected suite the weight is √F. An exponential race gives each position the key
 * E / weight and takes the smallest, which is Gumbel-top-k: Kool et al. 2019, arXiv:1903.06059. A position's E
 * follows from the seed and the position alone, so that two devices whose information differs in the last bits draw the
 * same mask but for what lies on the edge. Quotas take theirs first. Time O(N); memory some 100 bytes for each of the count positions, whatever N is.
 */
export function fisherPositions(options: FisherMaskOptions): Uint32Array {
  const { layout, count, seed } = options;
  const rooms = roomsOf(options);
  const weightOf = createWeights(options);
  const random = createPlacedRandom(seed);
  const pool = createSmallestKeys(count);
  const quotas = quotasOf(options, rooms, pool);
  for (const tensor of layout.tensors) {
    const quota = quotas.get(tensor.name)?.keys;
    const own = createSmallestKeys(rooms.get(tensor)!);
    for (let i = tensor.offset; i < tensor.offset + tensor.size; i++) {
      const elsewhere = quota === undefined ? pool.limit() : Math.max(pool.limit(), quota.limit());
      const weight = weightOf(i);
      random.at(i);
      const value = exponentialBelow(random, Math.min(own.limit(), elsewhere) * weight);
      if (value !== Number.POSITIVE_INFINITY) own.add(value / weight, i);
    }
    own.drain((quota ?? pool).add);
  }
  return takePositions(count, new Set(quotas.values()), pool);
}

/** Names of the tensors with one dimension: biases, and the scales of norms. */
export function vectorNames(layout: Layout): string[] {
  return layout.tensors.filter(({ shape }) => shape.length === 1).map(({ name }) => name);
}

type Quota = { readonly count: number; readonly keys: SmallestKeys };

/** How many positions of each tensor the mask may have. */
function roomsOf({ layout, count, caps = NO_CAPS }: FisherMaskOptions): Map<LayoutTensor, number> {
  if (!Number.isInteger(count) || count < 1 || count > layout.size) {
    throw new FormatError(`mask: ${count} positions of ${layout.size}`);
  }
  const ofMask = Math.ceil(caps.ofMask * count);
  const rooms = new Map(
    layout.tensors.map((tensor) => {
      return [tensor, Math.min(tensor.size, Math.ceil(caps.ofTensor * tensor.size), ofMask)];
    }),
  );
  const room = [...rooms.values()].reduce((sum, own) => sum + own, 0);
  if (room < count) throw new FormatError(`mask: the caps leave room for ${room} of ${count}`);
  return rooms;
}

/** The quota of each tensor that has one; what a quota drops is left to the pool. */
function quotasOf(
  { layout, count, quotas = [] }: FisherMaskOptions,
  rooms: ReadonlyMap<LayoutTensor, number>,
  pool: SmallestKeys,
): Map<string, Quota> {
  const byName = new Map(layout.tensors.map((tensor) => [tensor.name, rooms.get(tensor)!]));
  const taken = new Map<string, Quota>();
  let shares = 0;
  for (const { tensors, share } of quotas) {
    let room = 0;
    for (const name of tensors) {
      const own = byName.get(name);
      if (own === undefined)
        throw new FormatError(`mask: a quota for "${name}", which is no tensor`);
      room += own;
    }
    const least = Math.min(room, Math.floor(share * count));
    const quota = { count: least, keys: createSmallestKeys(least, pool.add) };
    for (const name of tensors) {
      if (taken.has(name)) throw new FormatError(`mask: two quotas for "${name}"`);
      taken.set(name, quota);
    }
    shares += share;
  }
  if (!(shares <= 1)) throw new FormatError(`mask: quotas of ${shares} of the mask`);
  return taken;
}

/** The weight of each position, above 0. */
function createWeights(options: FisherMaskOptions): (position: number) => number {
  const { fisher, layout, protectedFisher = null, damping = 1 } = options;
  const total = sumOf("fisher", fisher, layout.size);
  if (protectedFisher === null) return (i) => Math.max(Math.sqrt(fisher[i]!), LEAST_WEIGHT);
  const protectedTotal = sumOf("protected fisher", protectedFisher, layout.size);
  const lambda = protectedTotal === 0 ? 0 : (damping * total) / protectedTotal;
  return (i) => {
    const own = fisher[i]!;
    if (own === 0) return LEAST_WEIGHT;
    return Math.max(own / Math.sqrt(own + lambda * protectedFisher[i]!), LEAST_WEIGHT);
  };
}

function sumOf(what: string, values: Float32Array, size: number): number {
  if (values.length !== size) throw new FormatError(`${what}: ${values.length} values of ${size}`);
  let sum = 0;
  for (let i = 0; i < size; i++) {
    const value = values[i]!;
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) {
      throw new FormatError(`${what}: value ${i} is ${value}, not finite and at least 0`);
    }
    sum += value;
  }
  return sum;
}

/** What the quotas kept, and of the pool as many as are missing. */
function takePositions(count: number, quotas: ReadonlySet<Quota>, pool: SmallestKeys): Uint32Array {
  const positions = new Uint32Array(count);
  let taken = 0;
  const take = (_: number, position: number) => {
    positions[taken] = position;
    taken++;
  };
  for (const { keys } of quotas) keys.drain(take);
  const rest = createSmallestKeys(count - taken);
  pool.drain(rest.add);
  rest.drain(take);
  return positions.sort();
}
