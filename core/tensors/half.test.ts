import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeHalf, encodeHalfExactly, encodeHalfUp } from "./half.ts";

const ONE = 0x3c00;

test("Q2: all 65,536 bit patterns decode to the number that the machine's own f16 holds", () => {
  const values = new Float16Array(Uint16Array.from({ length: 0x1_0000 }, (_, i) => i).buffer);
  for (let bits = 0; bits < 0x1_0000; bits++) {
    if (!Object.is(decodeHalf(bits), values[bits])) throw new Error(`bits 0x${bits.toString(16)}`);
  }
});

test("Q2: every half from 0 to 1 encodes to itself, and what is just above to the next one", () => {
  for (let bits = 0; bits <= ONE; bits++) {
    const value = decodeHalf(bits);
    expect(encodeHalfUp(value)).toBe(bits);
    if (bits < ONE) expect(encodeHalfUp(value + value * 2 ** -40 + 2 ** -60)).toBe(bits + 1);
  }
});

test("Q2: encoding rounds up to the nearest half", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (value) => {
      const bits = encodeHalfUp(value);
      expect(decodeHalf(bits)).toBeGreaterThanOrEqual(value);
      if (bits > 0) expect(decodeHalf(bits - 1)).toBeLessThan(value);
    }),
  );
});

test("every finite half is found again from its f32, and nothing between halves is one", () => {
  const value = new Float32Array(1);
  const bits = new Uint32Array(value.buffer);
  for (let word = 0; word < 1 << 16; word++) {
    value[0] = decodeHalf(word);
    if (!Number.isFinite(value[0])) continue;
    expect(encodeHalfExactly(bits[0]!)).toBe(word);
    bits[0]! |= 1; // the next f32
    expect(encodeHalfExactly(bits[0]!)).toBe(-1);
  }
  for (const large of [65520, 65536, 2 ** -25, 3 * 2 ** -25, Infinity, NaN]) {
    value[0] = large;
    expect(encodeHalfExactly(bits[0]!)).toBe(-1);
  }
});
