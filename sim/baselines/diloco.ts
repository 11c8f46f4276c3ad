import { metricsOf } from "../../core/training/metrics.ts";
import { trainDelta } from "../../core/training/train.ts";
import { reportOf } from "../community/relay.ts";
import type { Curve, CurvePoint } from "../community/report.ts";
import { createShardDeck, joinShards } from "../community/shards.ts";
import type { SimModel } from "../community/sim-model.ts";
import { createVolunteers } from "../community/volunteer.ts";

export type DilocoOptions = {
  readonly volunteers: number;
  readonly versions: number;
  /** The accuracy at which it ends; null where the number of versions alone does. */
  readonly until: number | null;
  readonly seed: string;
};

const OUTER_STEP = 0.7; // of Nesterov's: Douillard et al. 2023, §3
const MOMENTUM = 0.9; // the same
const BYTES = 4; // of a value: nothing is rounded

/**
 * DiLoCo's way (Douillard et al. 2023, arXiv:2311.08105): everybody trains all parameters from the same version, and Nesterov's
 * momentum on the mean of their deltas makes the next one. In lockstep, with nobody late and nobody lying: better than
 * any network allows.
 */
export async function runDiloco(
  model: SimModel,
  { volunteers: count, versions, until, seed }: DilocoOptions,
): Promise<Curve> {
  const { architecture, training } = model.recipe;
  const size = model.layout.size;
  const everybody = { volunteers: count, liars: 0, attack: "noise", stale: 0 } as const;
  const volunteers = await createVolunteers({ ...everybody, isLifelike: false, seed });
  const decks = volunteers.map((volunteer) =>
    createShardDeck(model, { volunteers: count, shards: "shipped" }, volunteer),
  );
  const positions = Uint32Array.from({ length: size }, (_, position) => position);
  const velocity = new Float32Array(size);
  let parameters = model.base;
  const base = metricsOf(await reportOf(model, parameters));
  let last = base;
  const reached: CurvePoint[] = [];
  for (let version = 1; version <= versions; version++) {
    const mean = new Float32Array(size);
    for (const [i, volunteer] of volunteers.entries()) {
      const examples = joinShards(model, decks[i]!());
      const task = { architecture, parameters, positions, examples, training };
      const { delta } = await trainDelta({ ...task, seed: volunteer.random.uint32() });
      for (let j = 0; j < size; j++) mean[j]! += delta[j]! / count;
    }
    parameters = nesterov(parameters, velocity, mean);
    last = metricsOf(await reportOf(model, parameters));
    const { accuracy, lossNats } = last;
    const bytes = BYTES * size * count * version; // up; as many come down
    reached.push({ accuracy, lossNats, bytesUp: bytes, bytesDown: bytes });
    if (until !== null && accuracy >= until) break;
  }
  return { base, last, versions: reached };
}

/** The parameters [N] after one outer step along `mean` [N]; `velocity` [N] is moved on in place. */
function nesterov(parameters: Float32Array, velocity: Float32Array, mean: Float32Array) {
  return parameters.map((value, i) => {
    velocity[i] = MOMENTUM * velocity[i]! + mean[i]!;
    return value + OUTER_STEP * (mean[i]! + MOMENTUM * velocity[i]!);
  });
}
