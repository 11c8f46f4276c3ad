import { FormatError } from "../errors.ts";
import type { CallOptions } from "../protocol/http-call.ts";
import { applyDeltaStepInPlace, decodeDeltaStep } from "../tensors/delta-step.ts";
import { decodeDifference, LEAST_DIFFERENCE_STEPS } from "../tensors/difference.ts";
import { type Base, type HistorySource, loadKeyframe, type VersionPlan } from "./history-source.ts";

/** A version that a reader has; its parameters [N] stay as they are. */
export type HeldVersion = Base & { readonly number: number };

type DownloadOptions = CallOptions & {
  /** What the reader has of the same model. */
  readonly from?: HeldVersion | undefined;
  /** Hears how many of the steps have been applied. */
  readonly onStep?: ((done: number, total: number) => void) | undefined;
};

/**
 * The layout and the parameters [N] that `source` serves as version `number` by `plan`: delta steps from what the reader
 * has, or one difference where the source has one that is smaller, or from a keyframe. Whether they are that version, their hash must say. Throws a FormatError where a plan begins
 * nowhere, and as `loadKeyframe`.
 */
export async function downloadVersion(
  source: HistorySource,
  plan: VersionPlan,
  number: number,
  { from, onStep, ...options }: DownloadOptions = {},
): Promise<Base> {
  const asked = from === undefined ? options : { ...options, from: from.number };
  const { keyframe, steps } = await plan(number, asked);
  const start = keyframe === null ? from : await loadKeyframe(source, keyframe.manifest, options);
  if (start === undefined) throw new FormatError("a plan without a keyframe");
  const parameters = start === from ? new Float32Array(start.parameters) : start.parameters;
  const isWorthIt = keyframe === null && steps.length >= LEAST_DIFFERENCE_STEPS;
  const difference =
    isWorthIt && from !== undefined
      ? ((await source.difference?.(from.number, number, options)) ?? null)
      : null;
  if (difference !== null) {
    applyDeltaStepInPlace(parameters, decodeDifference(difference, parameters));
    onStep?.(steps.length, steps.length);
    return { layout: start.layout, parameters };
  }
  for (const [done, { sha256 }] of steps.entries()) {
    const step = decodeDeltaStep(await source.blob(sha256, options), parameters);
    applyDeltaStepInPlace(parameters, step);
    onStep?.(done + 1, steps.length);
  }
  return { layout: start.layout, parameters };
}
