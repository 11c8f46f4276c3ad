import fc from "fast-check";
import { expect, test } from "vitest";
import { FormatError } from "../errors.ts";
import { decodeHalf } from "../tensors/half.ts";
import { createLayout } from "../tensors/layout.ts";
import { packCodes, unpackCodes } from "./code-bytes.ts";
import { blockStarts, dequantise, quantise, segmentStarts } from "./quantiser.ts";

const ONE_SEGMENT = Uint32Array.of(0);

test("Q1: a tensor's part begins at its first masked value; tensors without one have no part", () => {
  const layout = createLayout([
    { name: "a", shape: [10] },
    { name: "b", shape: [10] },
    { name: "c", shape: [10] },
  ]);
  expect([...segmentStarts(layout, Uint32Array.of(0, 9, 10, 29))]).toEqual([0, 2, 3]);
  expect([...segmentStarts(layout, Uint32Array.of(3, 25, 26))]).toEqual([0, 1]);
  expect([...segmentStarts(layout, Uint32Array.of(25))]).toEqual([0]);
});

test("Q1: blocks of 64 restart at each tensor's part", () => {
  expect([...blockStarts(Uint32Array.of(0, 70, 80), 150)]).toEqual([0, 64, 70, 80, 144]);
  expect([...blockStarts(ONE_SEGMENT, 64)]).toEqual([0]);
  expect([...blockStarts(ONE_SEGMENT, 65)]).toEqual([0, 64]);
});

const magnitude = fc.constantFrom(1e-9, 1e-7, 1e-5, 1e-3, 0.1, 7);
const deltas = magnitude.chain((limit) =>
  fc
    .array(fc.double({ min: -limit, max: limit, noNaN: true }), { minLength: 1, maxLength: 300 })
    .map((values) => Float32Array.from(values, (v) => Math.max(-7, Math.min(7, v)))),
);

test("Q2: the error of a value is at most half its block's scale", () => {
  fc.assert(
    fc.property(deltas, fc.nat(299), (delta, cut) => {
      const segments = cut > 0 && cut < delta.length ? Uint32Array.of(0, cut) : ONE_SEGMENT;
      const quantised = quantise(delta, segments);
      const values = dequantise(quantised, segments);
      const starts = blockStarts(segments, delta.length);
      for (let block = 0; block < starts.length; block++) {
        const scale = decodeHalf(quantised.scales[block]!);
        const worst = Math.max(scale / 2, 2 ** -25); // below the smallest f16 everything is 0
        for (let i = starts[block]!; i < (starts[block + 1] ?? delta.length); i++) {
          expect(Math.abs(values[i]! - delta[i]!)).toBeLessThanOrEqual(worst);
        }
      }
    }),
  );
});

test("Q2: codes stay in −7…7, and a scale is 0 exactly where all of its codes are", () => {
  fc.assert(
    fc.property(deltas, (delta) => {
      const { codes, scales } = quantise(delta, ONE_SEGMENT);
      expect(codes.every((code) => code >= -7 && code <= 7)).toBe(true);
      scales.forEach((bits, block) => {
        const used = codes.subarray(64 * block, 64 * block + 64).some((code) => code !== 0);
        expect(bits > 0).toBe(used);
        expect(bits).toBeLessThanOrEqual(0x3c00);
      });
    }),
  );
});

test("Q2: a block of zeros, of −0 and of values below half the smallest f16 has scale 0", () => {
  const tiny = 2 ** -25;
  for (const delta of [[0], [-0], [tiny * 0.99, -tiny * 0.99], [-tiny]]) {
    const { codes, scales } = quantise(Float32Array.from(delta), ONE_SEGMENT);
    expect([...scales]).toEqual([0]);
    expect(codes.every((code) => Object.is(code, 0))).toBe(true);
  }
});

test("Q2: the largest value of a block is code ±7 and scales up to 1 are used", () => {
  const { codes, scales } = quantise(Float32Array.of(7, -7, 0.4, 0.6), ONE_SEGMENT);
  expect([...codes]).toEqual([7, -7, 0, 1]);
  expect([...scales]).toEqual([0x3c00]);
});

test("Q2: NaN, infinite and diverged deltas are refused", () => {
  for (const value of [Number.NaN, 1 / 0, -1 / 0, 7.001, -8]) {
    expect(() => quantise(Float32Array.of(0, value), ONE_SEGMENT)).toThrow("delta: value 1 is");
    expect(() => quantise(Float32Array.of(0, value), ONE_SEGMENT)).toThrow(FormatError);
  }
});

test("Q3: scale · code is exact in f32 for every scale and code", () => {
  for (let bits = 0; bits <= 0x3c00; bits++) {
    for (let code = -7; code <= 7; code++) {
      const exact = decodeHalf(bits) * code;
      if (Math.fround(exact) !== exact) throw new Error(`0x${bits.toString(16)} · ${code}`);
    }
  }
});

test("Q4: two codes a byte, the first in the low half, an odd one followed by a zero", () => {
  expect([...packCodes(Int8Array.of(-7, 7, 0))]).toEqual([0xf1, 0x88]);
  const codes = fc.array(fc.integer({ min: -7, max: 7 }), { maxLength: 50 });
  fc.assert(
    fc.property(codes, (list) => {
      const bytes = packCodes(Int8Array.from(list));
      expect(bytes.length).toBe(Math.ceil(list.length / 2));
      expect([...unpackCodes(bytes, list.length)]).toEqual(list);
    }),
  );
});

test("Q4: code −8 in either half and padding that is not zero are refused", () => {
  expect(() => unpackCodes(Uint8Array.of(0x88, 0x80), 4)).toThrow("codes: byte 1 holds −8");
  expect(() => unpackCodes(Uint8Array.of(0x08, 0x88), 4)).toThrow("codes: byte 0 holds −8");
  expect(() => unpackCodes(Uint8Array.of(0x98), 1)).toThrow("codes: padding is not zero");
});
