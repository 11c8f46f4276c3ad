import { BLOCK_VALUES, MAX_CODE, type Quantised } from "../patch/quantiser.ts";
import { decodeHalf, encodeHalfUp } from "../tensors/half.ts";
import type { MergedStep } from "./mean.ts";

/** A merged step in four bits a value, as it is published. */
export type QuantisedStep = MergedStep & { readonly quantised: Quantised };

/**
 * What a rule made of `parameters` [N], with the differences in four bits (protocol G21): everybody who follows a history
 * loads all of its steps, and replacement values would be nine tenths of that. It is `quantise` and `movedValues` in
 * one pass, because most of the time goes to fetching strewn parameters.
 */
export function quantiseStep(
  parameters: Float32Array,
  { positions, values }: MergedStep,
): QuantisedStep {
  const count = positions.length;
  const codes = new Int8Array(count);
  const scales = new Uint16Array(Math.ceil(count / BLOCK_VALUES));
  const moved = new Float32Array(count);
  const before = new Float32Array(BLOCK_VALUES);
  const delta = new Float32Array(BLOCK_VALUES);
  for (let block = 0; block < scales.length; block++) {
    const start = block * BLOCK_VALUES;
    const length = Math.min(BLOCK_VALUES, count - start);
    let largest = 0;
    for (let i = 0; i < length; i++) {
      before[i] = parameters[positions[start + i]!]!;
      delta[i] = values[start + i]! - before[i]!;
      largest = Math.max(largest, Math.abs(delta[i]!));
    }
    const bits = encodeHalfUp(Math.min(largest, MAX_CODE) / MAX_CODE);
    const scale = decodeHalf(bits);
    let used = 0;
    for (let i = 0; i < length; i++) {
      const wide = scale === 0 ? 0 : Math.floor(delta[i]! / scale + 0.5);
      const code = Math.max(-MAX_CODE, Math.min(wide, MAX_CODE)); // an outer step can go further
      codes[start + i] = code;
      used |= code;
      moved[start + i] = before[i]! + scale * code;
    }
    if (used !== 0) scales[block] = bits;
  }
  return { positions, values: moved, quantised: { codes, scales } };
}
