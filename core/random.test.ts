import fc from "fast-check";
import { expect, test } from "vitest";
import { createPlacedRandom, createRandom } from "./random.ts";

function take(seed: string | number, count: number): number[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => random.uint32());
}

// From tests/golden/formats.py, a second implementation.
test("M2: a seed's text gives the golden stream", () => {
  expect(take("commonweight", 6)).toEqual([
    2991104337, 1375943743, 765703719, 242504688, 3304226001, 1734756427,
  ]);
  expect(take("", 2)).toEqual([2200177482, 2305208586]);
});

test("M2: an integer counts as its decimal text", () => {
  expect(take(42, 4)).toEqual([1566967962, 817315187, 3714209815, 3024169187]);
  expect(take("42", 4)).toEqual(take(42, 4));
});

test("M2: a bounded draw is the golden one", () => {
  const random = createRandom(42);
  const draws = Array.from({ length: 16 }, () => random.below(10));
  expect(draws).toEqual([5, 3, 8, 0, 2, 0, 2, 3, 7, 9, 0, 9, 0, 7, 0, 2]);
});

test("M2: a bounded draw stays below its bound, for every bound", () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 0xffff_ffff }), (seed, bound) => {
      const random = createRandom(seed);
      for (let i = 0; i < 20; i++) {
        const value = random.below(bound);
        expect(Number.isInteger(value) && value >= 0 && value < bound).toBe(true);
      }
    }),
  );
  expect(createRandom(1).below(1)).toBe(0);
  const random = createRandom(1);
  expect(random.below(0x1_0000_0000)).toBe(createRandom(1).uint32());
});

test("M2: bounded draws are uniform", () => {
  const random = createRandom("uniform");
  const cells = new Float64Array(100);
  for (let i = 0; i < 100_000; i++) cells[random.below(100)]! += 1;
  const chiSquare = cells.reduce((sum, cell) => sum + (cell - 1000) ** 2 / 1000, 0);
  expect(chiSquare).toBeLessThan(149); // 99 degrees of freedom: one seed in a thousand is above
});

test("M2: seeds that differ in one character give unrelated streams", () => {
  let equalBits = 0;
  for (let seed = 0; seed < 1000; seed++) {
    const [a = 0, b = 0] = [take(`s${seed}`, 1)[0], take(`t${seed}`, 1)[0]];
    for (let bits = ~(a ^ b); bits !== 0; bits &= bits - 1) equalBits++;
  }
  expect(Math.abs(equalBits - 16_000)).toBeLessThan(5 * Math.sqrt(8000)); // 32,000 coin flips
});

test("a seed that is neither text nor a non-negative integer is our bug", () => {
  for (const seed of [-1, 0.5, Number.NaN]) expect(() => createRandom(seed)).toThrow("internal");
  for (const bound of [0, -1, 1.5, 2 ** 33]) {
    expect(() => createRandom(1).below(bound)).toThrow("internal");
  }
});

test("M7: a place's stream follows from seed and place alone, whatever was drawn before", () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.nat(9), (seed, place, drawn) => {
      const [one, other] = [createPlacedRandom(seed), createPlacedRandom(seed)];
      for (let i = 0; i < drawn; i++) one.uint32();
      one.at(place);
      other.at(place);
      for (let i = 0; i < 4; i++) expect(one.uint32()).toBe(other.uint32());
    }),
  );
});

test("M7: the first draws of neighbouring places are uniform and know nothing of each other", () => {
  const random = createPlacedRandom("places");
  const cells = new Array<number>(64).fill(0); // eighths of one draw by eighths of the next place's
  let last = 0;
  for (let place = 0; place < 64_000; place++) {
    random.at(place);
    const eighth = random.uint32() >>> 29;
    cells[8 * last + eighth]!++;
    last = eighth;
  }
  const chiSquared = cells.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
  expect(chiSquared).toBeLessThan(103); // 1 in 1,000 by chance, with 63 degrees of freedom; the seed is fixed
});
