import { MAX_CODE, quantise } from "../patch/quantiser.ts";
import { type DeltaStep, movedValues, STEP_SEGMENTS } from "../tensors/delta-step.ts";
import type { MergedStep } from "./mean.ts";

/** A merged step in four bits a value, as it is published. */
export type QuantisedStep = MergedStep &
  Required<Pick<DeltaStep, "quantised">> &
  Pick<DeltaStep, "masks">;

/**
 * What a rule made of `parameters` [N], with the differences in four bits (protocol G21): everybody who follows a history
 * loads all of its steps, and replacement values would be nine tenths of that.
 */
export function quantiseStep(
  parameters: Float32Array,
  { positions, values }: MergedStep,
): QuantisedStep {
  const delta = new Float32Array(positions.length);
  for (let i = 0; i < delta.length; i++) {
    const difference = values[i]! - parameters[positions[i]!]!;
    delta[i] = Math.max(-MAX_CODE, Math.min(difference, MAX_CODE)); // an outer step can go further
  }
  const quantised = quantise(delta, STEP_SEGMENTS);
  return { positions, values: movedValues(parameters, positions, quantised), quantised };
}
