import { FormatError } from "../errors.ts";
import { applyDeltaStep, decodeDeltaStep } from "../tensors/delta-step.ts";
import { faultAt } from "./history-fault.ts";
import { type Base, type HistorySource, readCheckpoint } from "./history-source.ts";
import { createPatchReader } from "./merged-patches.ts";
import { expectCheckpoint, readBase } from "./verify-history.ts";
import type { VerifiedVersion } from "./version.ts";
import { walkHistory } from "./walked-history.ts";

export type ParametersOptions = {
  readonly signal?: AbortSignal;
  /** Hears how many of the steps to the version are done. */
  readonly onStep?: (done: number, total: number) => void;
};

/**
 * The layout and the parameters [N] of version `number` of a verified chain: from a keyframe and delta steps where the
 * source serves them, else replayed from the patches. They hash to what the record says, or a HistoryError says that
 * they do not.
 */
export async function parametersOf(
  source: HistorySource,
  chain: readonly VerifiedVersion[],
  number: number,
  { onStep, ...options }: ParametersOptions = {},
): Promise<Base> {
  const { record } = chain[number]!; // the caller's, of this chain
  try {
    const built =
      source.plan === null
        ? await replayedTo(source, chain, number, { ...options, onStep })
        : await downloaded(source, source.plan, number, { ...options, onStep });
    await expectCheckpoint(built.layout, built.parameters, record);
    return built;
  } catch (error) {
    throw faultAt(number, error);
  }
}

type Steps = { readonly signal?: AbortSignal; readonly onStep: ParametersOptions["onStep"] };

async function downloaded(
  source: HistorySource,
  plan: NonNullable<HistorySource["plan"]>,
  number: number,
  { onStep, ...options }: Steps,
): Promise<Base> {
  const { keyframe, steps } = await plan(number, options);
  if (keyframe === null) throw new FormatError("a plan without a keyframe");
  const { layout, parameters } = await readCheckpoint(source, keyframe.checkpoint, options);
  let built: Float32Array = parameters;
  for (const [done, { sha256 }] of steps.entries()) {
    built = applyDeltaStep(built, decodeDeltaStep(await source.blob(sha256, options), built));
    onStep?.(done + 1, steps.length);
  }
  return { layout, parameters: built };
}

async function replayedTo(
  source: HistorySource,
  chain: readonly VerifiedVersion[],
  number: number,
  { onStep, ...options }: Steps,
): Promise<Base> {
  const { layout, parameters } = await readBase(source, chain, options);
  const walked = walkHistory(layout, parameters);
  const patchesOf = createPatchReader(source, layout, chain);
  for (const { record } of chain.slice(1, number + 1)) {
    await walked.step(record, (other) => patchesOf(other, options), options);
    onStep?.(record.number, number);
  }
  return { layout, parameters: walked.parameters };
}
