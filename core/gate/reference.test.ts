import fc from "fast-check";
import { expect, test } from "vitest";
import { createRandom } from "../random.ts";
import { agreementWith, createReference } from "./reference.ts";

const K = 2000;

const one = (delta: Float32Array) => createReference([delta]);

function noise(seed: string): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: K }, () => (random.below(2001) - 1000) / 1000);
}

test("G16: a delta agrees with itself, its reverse disagrees as much", () => {
  const delta = noise("delta");
  const same = agreementWith(one(delta), delta);
  expect(same.cosine).toBeCloseTo(1, 12);
  const reversed = agreementWith(
    one(delta),
    delta.map((value) => -value),
  );
  expect(reversed.cosine).toBeCloseTo(-1, 12);
  expect(reversed.z).toBe(-same.z);
});

test("G16: the z of unrelated work has variance 1, also where few values hold most of the length", () => {
  const zs = Array.from({ length: 300 }, (_, i) => {
    const heavy = noise(`a ${i}`).map((value, j) => (j % 100 === 0 ? 50 * value : value));
    return agreementWith(one(heavy), noise(`b ${i}`)).z;
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
      const { cosine, z } = agreementWith(one(b), Float32Array.from(scaled));
      expect(cosine).toBeCloseTo(agreementWith(one(b), a).cosine, 6);
      expect(z).toBeCloseTo(agreementWith(one(b), a).z, 4);
    }),
    { numRuns: 30 },
  );
});

test("G16: a delta or reference of zeros agrees with nothing", () => {
  expect(agreementWith(one(new Float32Array(K)), noise("x"))).toMatchObject({ cosine: 0, z: 0 });
});

const direction = noise("direction");
const piece = (seed: string, share = 0.3) => {
  const own = noise(seed);
  return direction.map((value, i) => share * value + own[i]!);
};

test("G16: the mean of four references is surer than one", () => {
  const honest = piece("honest");
  const pieces = ["1", "2", "3", "4"].map((seed) => piece(seed));
  expect(agreementWith(createReference(pieces), honest).z).toBeGreaterThan(
    1.3 * agreementWith(one(pieces[0]!), honest).z,
  );
});

test("G16: honest work agrees as the relay's pieces do among themselves, however much that is; half-hearted work less", () => {
  for (const share of [1, 0.5, 0.3]) {
    const pieces = ["1", "2", "3", "4"].map((seed) => piece(seed, share));
    const reference = createReference(pieces);
    const shareOf = (delta: Float32Array) => agreementWith(reference, delta).share!;
    const honest = Array.from({ length: 20 }, (_, i) => shareOf(piece(`honest ${i}`, share)));
    expect(Math.min(...honest)).toBeGreaterThan(0.6);
    expect(shareOf(piece("half-hearted", share / 4))).toBeLessThan(0.6);
    expect(shareOf(noise("unrelated"))).toBeLessThan(0.4);
  }
});

test("G16: a length is told beside that of the relay's own pieces", () => {
  const reference = createReference(["1", "2"].map((seed) => piece(seed)));
  const honest = piece("honest");
  expect(agreementWith(reference, honest).length).toBeCloseTo(1, 1);
  const scaled = honest.map((value) => 10 * value);
  expect(agreementWith(reference, scaled).length).toBeCloseTo(10, 0);
});

test("G16: one piece alone says nothing about what honest work has", () => {
  expect(agreementWith(one(noise("a")), noise("b")).share).toBeNull();
});
