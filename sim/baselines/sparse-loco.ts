import { BLOCK_VALUES } from "../../core/patch/quantiser.ts";
import { metricsOf } from "../../core/training/metrics.ts";
import { trainDelta } from "../../core/training/train.ts";
import { reportOf } from "../community/relay.ts";
import type { Curve, CurvePoint } from "../community/report.ts";
import { createShardDeck, joinShards } from "../community/shards.ts";
import type { SimModel } from "../community/sim-model.ts";
import { createVolunteers } from "../community/volunteer.ts";
import { positionEntropy, type SparseValues, scaleBytes, topK } from "./top-k.ts";

export type SparseLocoOptions = {
  readonly volunteers: number;
  readonly versions: number;
  /** Share of the entries that are sent. */
  readonly density: number;
  /** Of a value. */
  readonly bits: 2 | 4;
  /** The accuracy at which it ends; null where the number of versions alone does. */
  readonly until: number | null;
  readonly seed: string;
};

const DECAY = 0.95; // of what was not sent yet: Sarfi et al. 2025, §4
const OUTER_STEP = 1; // the same
const COVENANT_POSITION_BITS = 12; // a place among 4,096

/**
 * SparseLoCo's way (Sarfi et al. 2025, arXiv:2508.15706): everybody trains all parameters, adds the delta to what it
 * has not sent yet, and sends the largest entries of that; the mean of what everybody sent is the next version. In
 * lockstep, with nobody late, nobody lying, and nothing to pay for headers: better than any network allows.
 */
export async function runSparseLoco(
  model: SimModel,
  { volunteers: count, versions, density, bits, until, seed }: SparseLocoOptions,
): Promise<Curve> {
  const { architecture, training } = model.recipe;
  const size = model.layout.size;
  const everybody = {
    volunteers: count,
    liars: 0,
    attack: "noise",
    stale: 0,
    isLifelike: false,
    seed,
  } as const;
  const volunteers = await createVolunteers(everybody);
  const decks = volunteers.map((volunteer) =>
    createShardDeck(model, { volunteers: count, shards: "shipped" }, volunteer),
  );
  const everywhere = Uint32Array.from({ length: size }, (_, position) => position);
  const unsent = volunteers.map(() => new Float32Array(size));
  let parameters = model.base;
  const reached: CurvePoint[] = [];
  const base = metricsOf(await reportOf(model, parameters));
  let last = base;
  const bytes = { up: 0, upEntropy: 0, down: 0 };
  for (let version = 1; version <= versions; version++) {
    const sent: SparseValues[] = [];
    for (const [i, volunteer] of volunteers.entries()) {
      const examples = joinShards(model, decks[i]!());
      const task = { architecture, parameters, positions: everywhere, examples, training };
      const { delta } = await trainDelta({ ...task, seed: volunteer.random.uint32() });
      sent.push(feedBack(unsent[i]!, delta, density, bits));
    }
    const step = meanOf(sent, size);
    const next = parameters.slice();
    for (const [position, value] of step) next[position]! += OUTER_STEP * value;
    parameters = next;
    const up = sent.map((values) => sizeOf(values, size, bits));
    for (const [i, own] of up.entries()) {
      bytes.up += own.asCovenant;
      bytes.upEntropy += own.atEntropy;
      const others = up.reduce(
        (sum, { atEntropy }, other) => (other === i ? sum : sum + atEntropy),
        0,
      );
      bytes.down += Math.min(others, unionBytes(step.size, size));
    }
    last = metricsOf(await reportOf(model, parameters));
    reached.push({
      accuracy: last.accuracy,
      lossNats: last.lossNats,
      bytesUp: bytes.up,
      bytesUpAtEntropy: bytes.upEntropy,
      bytesDown: bytes.down,
    });
    if (until !== null && last.accuracy >= until) break;
  }
  return { base, last, versions: reached };
}

/** Add `delta` to what was not sent yet [N], in place, and take the largest of it out. */
function feedBack(unsent: Float32Array, delta: Float32Array, density: number, bits: 2 | 4) {
  for (let i = 0; i < delta.length; i++) unsent[i] = DECAY * unsent[i]! + delta[i]!;
  const sent = topK(unsent, density, bits);
  sent.positions.forEach((position, i) => {
    unsent[position]! -= sent.values[i]!;
  });
  return sent;
}

/** The mean by position of what everybody sent, those who sent nothing there counted as 0. */
function meanOf(sent: readonly SparseValues[], size: number): Map<number, number> {
  const sums = new Float64Array(size);
  for (const { positions, values } of sent) {
    positions.forEach((position, i) => {
      sums[position]! += values[i]! / sent.length;
    });
  }
  const mean = new Map<number, number>();
  sums.forEach((sum, position) => {
    if (sum !== 0) mean.set(position, sum);
  });
  return mean;
}

function sizeOf({ positions }: SparseValues, size: number, bits: 2 | 4) {
  const count = positions.length;
  const sizeAt = (positionBits: number) =>
    (count * (positionBits + bits)) / 8 + scaleBytes(size, bits);
  return {
    asCovenant: sizeAt(COVENANT_POSITION_BITS),
    atEntropy: sizeAt(positionEntropy(count, size)),
  };
}

/** What a relay would have to send of a version, in four bits as ours does: what changed where anybody sent any. */
function unionBytes(count: number, size: number): number {
  const scaleBits = 16 / BLOCK_VALUES;
  return (count * (4 + scaleBits + positionEntropy(Math.max(1, count), size))) / 8;
}
