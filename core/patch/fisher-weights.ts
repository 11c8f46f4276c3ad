import { FormatError } from "../errors.ts";

const FRACTION_VALUES = 8; // three bits after the leading one: at most 1/17 off, far below the noise of an estimate
const CODES = 256;

/**
 * What each code stands for (protocol P7), a whole number: the code itself below 8, then
 * (8 + (code mod 8)) · 2^(⌊code / 8⌋ − 1) up to 15·2^30. A small floating-point number with gradual
 * underflow, so that no code needs a power or an exponential.
 */
export const FISHER_VALUES = Float64Array.from({ length: CODES }, (_, code) => {
  const exponent = Math.floor(code / FRACTION_VALUES);
  if (exponent === 0) return code;
  return (FRACTION_VALUES + (code % FRACTION_VALUES)) * (1 << (exponent - 1));
});

/**
 * `fisher` [k], non-negative Fisher information of the masked parameters, as a code each: the largest
 * gets the largest code, every other the nearest to its share of that; the scale is not kept. All zeros
 * stay zeros. NaN, infinite and negative values are refused: such training has diverged.
 */
export function encodeFisherWeights(fisher: Float32Array): Uint8Array<ArrayBuffer> {
  let largest = 0;
  for (let i = 0; i < fisher.length; i++) {
    const value = fisher[i]!;
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) {
      throw new FormatError(`fisher: value ${i} is ${value}, not finite and at least 0`);
    }
    if (value > largest) largest = value;
  }
  const codes = new Uint8Array(fisher.length);
  if (largest === 0) return codes;
  const top = FISHER_VALUES[CODES - 1]!;
  for (let i = 0; i < fisher.length; i++) codes[i] = nearestCode((fisher[i]! / largest) * top);
  return codes;
}

/** The code whose value is nearest to `value` in 0…15·2^30, the smaller of two as near. */
function nearestCode(value: number): number {
  let low = 0;
  let high = CODES - 1; // FISHER_VALUES[low] <= value <= FISHER_VALUES[high]
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (FISHER_VALUES[middle]! <= value) low = middle;
    else high = middle;
  }
  return value - FISHER_VALUES[low]! <= FISHER_VALUES[high]! - value ? low : high;
}
