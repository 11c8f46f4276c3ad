import { type Code, get, SIMD, set } from "./assembler.ts";

/** Arithmetic on four f32 beyond what `Lanes` has, and the exponential made of it. */

const operation = (code: number) => [0xfd, (code & 0x7f) | 0x80, code >> 7];

/** The same f32 in every lane. */
export function splat(value: number): Code {
  const bytes = new Uint8Array(new Float32Array([value, value, value, value]).buffer);
  return [0xfd, 0x0c, [...bytes]];
}
/** A scalar f32 in every lane. */
export const spread = (value: Code): Code => [value, 0xfd, 0x13];
export const subtractEach = (a: Code, b: Code): Code => [a, b, operation(0xe5)];
export const divideEach = (a: Code, b: Code): Code => [a, b, operation(0xe7)];
export const smallerEach = (a: Code, b: Code): Code => [a, b, operation(0xe8)];
export const largerEach = (a: Code, b: Code): Code => [a, b, operation(0xe9)];
const roundEach = (a: Code): Code => [a, 0xfd, 0x6a];
const lessEach = (a: Code, b: Code): Code => [a, b, 0xfd, 0x43]; // every bit of the lanes where a < b
const except = (a: Code, b: Code): Code => [a, b, 0xfd, 0x4f]; // the bits of a that b lacks
export const absEach = (a: Code): Code => [a, operation(0xe0)];
/** The lanes of `a` where x < 0, else those of `b`. */
export const selectNegative = (x: Code, a: Code, b: Code): Code => [
  [a, b, lessEach(x, splat(0))],
  [0xfd, 0x52], // bits of the first where those of the third are 1
];
/** 2^n for whole n of −126 … 127: n + 127 in the exponent's bits. */
const powerOfTwoEach = (n: Code): Code => [
  [n, operation(0xf8)], // to int32
  [0xfd, 0x0c, [127, 0, 0, 0, 127, 0, 0, 0, 127, 0, 0, 0, 127, 0, 0, 0], operation(0xae)],
  [[0x41, 23], operation(0xab)], // shifted left by 23
];

/** Four lanes of two vectors, of which the second has the lanes 4 … 7. */
export const shuffle = (a: Code, b: Code, lanes: readonly number[]): Code => [
  [a, b, 0xfd, 0x0d],
  lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte)),
];

/** The largest of the four lanes of a local. */
export function largestLane(local: number): Code {
  const lane = (index: number): Code => [get(local), 0xfd, 0x1f, index];
  const larger = (a: Code, b: Code): Code => [a, b, 0x97];
  return larger(larger(lane(0), lane(1)), larger(lane(2), lane(3)));
}

const LOWEST = -87.33654; // exp of it is the smallest normal f32; below, the result is 0
const HIGHEST = 88; // exp of it is 1.7e38; above, the result stays there
const LN2_HIGH = 0.693359375; // has so few digits that n times it is exact
const LN2_LOW = -2.1219444e-4;
const POLYNOMIAL = [
  1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1,
  5.0000001201e-1,
];

/**
 * Turn the vector local `x` into exp(x), with two more for the work: 2^n · exp(rest) for the rest x − n · ln 2, which a
 * polynomial takes. Error below 2e-7 of the value. Source: Moshier, Cephes Math Library, expf.
 */
export function exponential(x: number, n: number, rest: number): Code {
  const times = (local: number, factor: number) => SIMD.multiply(get(local), splat(factor));
  const reduce = (part: number) => set(rest, subtractEach(get(rest), times(n, part)));
  const horner = POLYNOMIAL.slice(1).reduce<Code>(
    (sum, coefficient) => SIMD.add(SIMD.multiply(sum, get(rest)), splat(coefficient)),
    splat(POLYNOMIAL[0]!),
  );
  const curve = SIMD.multiply(horner, SIMD.multiply(get(rest), get(rest)));
  const value = SIMD.add(SIMD.add(curve, get(rest)), splat(1));
  return [
    set(rest, smallerEach(largerEach(get(x), splat(LOWEST)), splat(HIGHEST))),
    set(n, roundEach(times(rest, Math.LOG2E))),
    reduce(LN2_HIGH),
    reduce(LN2_LOW),
    // not what is below, rather than what is above: NaN stays NaN
    set(x, except(SIMD.multiply(value, powerOfTwoEach(get(n))), lessEach(get(x), splat(LOWEST)))),
  ];
}
