import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeHex, encodeHex } from "../hex.ts";
import { decodePositions, encodePositions, riceParameter } from "./positions.ts";
import { randomPositions } from "./random-mask.ts";

const SEED = "000102030405060708090a0b0c0d0e0f";
const LARGEST = 2 ** 31 - 1;

/** Strictly ascending positions with gaps of every length, and a size above the last. */
const ascending = fc
  .record({
    gaps: fc.array(fc.oneof(fc.nat(3), fc.nat(300), fc.nat(5_000_000)), { maxLength: 200 }),
    rest: fc.oneof(fc.nat(3), fc.nat(1_000_000_000)),
  })
  .map(({ gaps, rest }) => {
    let next = 0;
    const positions = Uint32Array.from(gaps, (gap) => {
      next += gap + 1;
      return next - 1;
    });
    return { positions, size: Math.min(next + rest + 1, LARGEST) };
  });

test("M3: positions survive encoding and decoding", () => {
  fc.assert(
    fc.property(ascending, ({ positions, size }) => {
      const bytes = encodePositions(positions, size);
      expect(decodePositions(bytes, positions.length, size)).toEqual(positions);
    }),
  );
});

// From tests/golden/formats.py, a second implementation.
test.each([
  { positions: [299, 313, 428, 511, 665, 676, 831, 912], size: 1000, hex: "0d735c948b328b4a00" },
  { positions: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], size: 10, hex: "ffc0" },
  { positions: [LARGEST - 1], size: LARGEST, hex: "7ffffffe" },
  { positions: [0], size: LARGEST, hex: "80000000" },
  { positions: [], size: 5, hex: "" },
])("M3: $positions of $size are the golden bytes $hex", ({ positions, size, hex }) => {
  expect(encodeHex(encodePositions(Uint32Array.from(positions), size))).toBe(hex);
  expect([...decodePositions(decodeHex(hex), positions.length, size)]).toEqual(positions);
});

test("M3: runs of zeros longer than a machine word survive", () => {
  for (const far of [3000, 1_000_000, LARGEST - 1]) {
    const positions = Uint32Array.from({ length: 101 }, (_, i) => (i < 100 ? i : far));
    for (const list of [positions, Uint32Array.of(far - 1, far), positions.subarray(100)]) {
      const bytes = encodePositions(list, far + 1);
      expect(decodePositions(bytes, list.length, far + 1)).toEqual(list);
    }
  }
  const dense = Uint32Array.from({ length: 5000 }, (_, i) => (i < 4999 ? i : 9999));
  expect(riceParameter(dense.length, 10_000)).toBe(0); // the last gap alone is a run of 5000
  const bytes = encodePositions(dense, 10_000);
  expect(bytes.length).toBe((5000 + 5000) / 8);
  expect(decodePositions(bytes, dense.length, 10_000)).toEqual(dense);
});

test("M3: one list has one encoding: bytes that decode are what encoding gives", () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 12 });
  let decoded = 0;
  fc.assert(
    fc.property(bytes, fc.integer({ min: 1, max: 12 }), (candidate, count) => {
      let positions: Uint32Array;
      try {
        positions = decodePositions(candidate, count, 300);
      } catch (error) {
        expect((error as Error).name).toBe("FormatError"); // most random bytes are refused
        return;
      }
      decoded++;
      expect(encodePositions(positions, 300)).toEqual(candidate);
    }),
    { numRuns: 3000, seed: 1 },
  );
  expect(decoded).toBeGreaterThan(20);
});

test("M4: a random mask of 0.5% takes at most 9.15 bits per position", () => {
  const positions = randomPositions(SEED, 50_000, 10_000_000);
  const bits = (encodePositions(positions, 10_000_000).length * 8) / positions.length;
  expect(bits).toBeLessThanOrEqual(9.15); // the entropy is 9.083
});

test("M4: the derived parameter is the cheapest one for a random mask", () => {
  for (const density of [0.0003, 0.001, 0.005, 0.02, 0.1, 0.3, 0.6, 0.9]) {
    const size = 400_000;
    const positions = randomPositions(SEED, Math.round(density * size), size);
    const cost = (b: number) => {
      let next = 0;
      return positions.reduce((bits, position) => {
        const gap = position - next;
        next = position + 1;
        return bits + Math.floor(gap / 2 ** b) + 1 + b;
      }, 0);
    };
    const cheapest = Math.min(...Array.from({ length: 16 }, (_, b) => cost(b)));
    expect(cost(riceParameter(positions.length, size)) / cheapest).toBeLessThan(1.005);
  }
});

const golden = decodeHex("0d735c948b328b4a00"); // 8 of 1000 with 6 low bits
test.each([
  { name: "no bytes", bytes: new Uint8Array(0), says: "0 bytes end before 8 positions" },
  { name: "truncated", bytes: golden.subarray(0, 8), says: "end before 8 positions" },
  {
    name: "a byte too many",
    bytes: Uint8Array.of(...encodePositions(Uint32Array.of(0, 1, 2, 3, 4, 5, 6, 7), 1000), 0),
    says: "1 bytes too many",
  },
  { name: "far too long", bytes: new Uint8Array(1000), says: "1000 bytes for 8 of 1000" },
  {
    name: "padding that is not zero",
    bytes: Uint8Array.of(...golden.subarray(0, 8), 1),
    says: "padding bits that are not zero",
  },
  { name: "only zeros", bytes: new Uint8Array(9), says: "end before 8 positions" },
  {
    name: "an index past the size",
    bytes: Uint8Array.of(0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
    says: "index 1087 ≥ size 1000",
  },
])("M3: $name is refused", ({ bytes, says }) => {
  expect(() => decodePositions(bytes, 8, 1000)).toThrow(says);
  expect(() => decodePositions(bytes, 8, 1000)).toThrow(
    expect.objectContaining({ name: "FormatError" }),
  );
});

test("M3: a huge declared count is refused before it is allocated", () => {
  expect(() => decodePositions(golden, LARGEST, LARGEST)).toThrow("9 bytes end before");
  expect(() => decodePositions(golden, 1001, 1000)).toThrow("1001 of 1000");
  expect(() => decodePositions(golden, 0, 1000)).toThrow("9 bytes for 0 of 1000");
});

test("positions that are not strictly ascending below the size are our bug", () => {
  for (const positions of [[2, 1], [1, 1], [10]]) {
    expect(() => encodePositions(Uint32Array.from(positions), 10)).toThrow("internal");
  }
});
