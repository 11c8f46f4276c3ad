import fc from "fast-check";
import { expect, test } from "vitest";
import { createRandom } from "../random.ts";
import { agreementWith, meanDelta } from "./reference.ts";

const K = 2000;

function noise(seed: string): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: K }, () => (random.below(2001) - 1000) / 1000);
}

test("G16: a delta agrees with itself, its reverse disagrees as much", () => {
  const delta = noise("delta");
  const same = agreementWith(delta, delta);
  expect(same.cosine).toBeCloseTo(1, 12);
  const reversed = agreementWith(
    delta,
    delta.map((value) => -value),
  );
  expect(reversed.cosine).toBeCloseTo(-1, 12);
  expect(reversed.z).toBe(-same.z);
});

test("G16: the z of unrelated work has variance 1, also where few values hold most of the length", () => {
  const zs = Array.from({ length: 300 }, (_, i) => {
    const heavy = noise(`a ${i}`).map((value, j) => (j % 100 === 0 ? 50 * value : value));
    return agreementWith(heavy, noise(`b ${i}`)).z;
  });
  const mean = zs.reduce((sum, z) => sum + z, 0) / zs.length;
  const variance = zs.reduce((sum, z) => sum + (z - mean) ** 2, 0) / zs.length;
  expect(Math.abs(mean)).toBeLessThan(0.2);
  expect(variance).toBeGreaterThan(0.75);
  expect(variance).toBeLessThan(1.3);
});

test("G16: neither a scale nor their lengths change how two deltas agree", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), fc.string(), (factor, seed) => {
      const a = noise(seed);
      const b = noise(`${seed} b`);
      const scaled = Float64Array.from(a, (value) => value * factor);
      const { cosine, z } = agreementWith(b, Float32Array.from(scaled));
      expect(cosine).toBeCloseTo(agreementWith(b, a).cosine, 6);
      expect(z).toBeCloseTo(agreementWith(b, a).z, 4);
    }),
    { numRuns: 30 },
  );
});

test("G16: a delta or reference of zeros agrees with nothing", () => {
  expect(agreementWith(new Float32Array(K), noise("x"))).toEqual({ cosine: 0, z: 0 });
});

test("G16: the mean of four references is surer than one", () => {
  const direction = noise("direction");
  const piece = (seed: string) => {
    const own = noise(seed);
    return direction.map((value, i) => 0.3 * value + own[i]!);
  };
  const honest = piece("honest");
  const pieces = ["1", "2", "3", "4"].map(piece);
  expect(agreementWith(meanDelta(pieces), honest).z).toBeGreaterThan(
    1.3 * agreementWith(pieces[0]!, honest).z,
  );
});
