import type { Curve } from "../community/report.ts";
import type { CommunitySpec, RunSpec, SparseLocoSpec } from "../runs/spec.ts";
import type { PresetContext } from "./preset.ts";

const TUNING_SEED = "tuning"; // none that a claim rests on

/** A way of training and the learning rates that are tried for it, the likeliest first. */
export type TunedWay<Spec extends RunSpec> = {
  readonly spec: Spec;
  readonly rates: readonly [number, ...number[]];
};

/**
 * Each spec with the learning rate of its own that ends at the least loss, on a seed that nothing else uses; a quick
 * study takes the likeliest.
 */
export async function tuneRates<Spec extends CommunitySpec | SparseLocoSpec>(
  { run, isQuick }: PresetContext,
  candidates: readonly TunedWay<Spec>[],
): Promise<{ readonly spec: Spec; readonly rate: number }[]> {
  if (isQuick) {
    return candidates.map(({ spec, rates: [rate] }) => ({ spec: withRate(spec, rate), rate }));
  }
  const open = candidates.filter(({ rates }) => rates.length > 1);
  const trials = open.flatMap(({ spec, rates }) =>
    rates.map((rate) => ({ ...withRate(spec, rate), seed: TUNING_SEED })),
  );
  const reports = await run(trials);
  let next = 0;
  return candidates.map(({ spec, rates }) => {
    const losses = rates.length === 1 ? [0] : rates.map(() => lossOf(reports[next++]!));
    const rate = rates[losses.indexOf(Math.min(...losses))]!;
    return { spec: withRate(spec, rate), rate };
  });
}

/** What diverged is the worst. */
function lossOf({ last }: Pick<Curve, "last">): number {
  return Number.isNaN(last.lossNats) ? Infinity : last.lossNats;
}

function withRate<Spec extends RunSpec>(spec: Spec, rate: number): Spec {
  return { ...spec, changes: [...spec.changes, `training.learningRate=${rate}`] };
}
