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

/** The bits of the half that is exactly the f32 with these `bits`, or −1 where there is none. */
export function encodeHalfExactly(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const fraction = bits & 0x7f_ffff;
  if (exponent === 0 && fraction === 0) return sign;
  if (exponent > 142 || exponent < 103) return -1; // 2^16 and more; below 2^-24
  if (exponent > 112) {
    return fraction & 0x1fff ? -1 : sign | ((exponent - 112) << 10) | (fraction >>> 13);
  }
  const units = 0x80_0000 | fraction; // of 2^(exponent − 150); a subnormal half has units of 2^-24
  const shift = 126 - exponent;
  return units & ((1 << shift) - 1) ? -1 : sign | (units >>> shift);
}

function powerOfTwo(exponent: number): number {
  return exponent < 0 ? 1 / (1 << -exponent) : 1 << exponent;
}
