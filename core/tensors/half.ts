/**
 * IEEE 754 binary16, exactly: 1 sign bit, 5 exponent bits (bias 15), 10 fraction bits. Only products
 * with powers of two are taken, so that every engine agrees.
 */

/** The number that the 16 `bits` stand for. */
export function decodeHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return (sign * fraction) / 0x100_0000; // units of 2^-24
  return sign * (1024 + fraction) * powerOfTwo(exponent - 25);
}

/** The bits of the smallest half that is at least `value`, which lies in 0…1. */
export function encodeHalfUp(value: number): number {
  let exponent = 15;
  let unit = 1 / 1024; // what the last fraction bit is worth
  while (exponent > 1 && value < unit * 1024) {
    unit /= 2;
    exponent--;
  }
  // Below the normal range the sum is the fraction alone; a fraction of 1024 carries into the exponent.
  return (exponent - 1) * 1024 + Math.ceil(value / unit);
}

function powerOfTwo(exponent: number): number {
  return exponent < 0 ? 1 / (1 << -exponent) : 1 << exponent;
}
