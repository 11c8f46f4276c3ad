import fc from "fast-check";
import { expect, test } from "vitest";
import { createRandom } from "../random.ts";
import { agreementWith, createReference, createReferenceAt } from "./reference.ts";

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

test("G16: pieces that go apart have no cosine to share, and what they expect of a z is below 0", () => {
  const one = noise("one");
  const reference = createReference([one, one.map((value, i) => (i % 3 === 0 ? value : -value))]);
  expect(reference.cosine).toBeLessThan(0);
  const { share, expectedZ } = agreementWith(reference, noise("honest"));
  expect(share).toBeNull();
  expect(expectedZ).toBeLessThan(0);
});

test("G16: the z that is expected is the one that honest work has", () => {
  const reference = createReference(["1", "2", "3", "4"].map((seed) => piece(seed)));
  const zs = Array.from({ length: 20 }, (_, i) => agreementWith(reference, piece(`${i} honest`)).z);
  const mean = zs.reduce((sum, z) => sum + z, 0) / zs.length;
  expect(Math.abs(mean / reference.expectedZ! - 1)).toBeLessThan(0.3); // it is of three pieces' mean, theirs of four's
});

const dead = (i: number) => i % 4 === 0;
const information = Float32Array.from({ length: K }, (_, i) => (dead(i) ? 0 : 1));
const alive = (delta: Float32Array) => delta.map((value, i) => (dead(i) ? 0 : value));

test("G23: energy where no public example reaches is told; on an own mask honest work has a twentieth of it there at most", () => {
  const pieces = ["1", "2"].map((seed) => alive(piece(seed)));
  const at = createReferenceAt({ deltas: pieces, information }, null);
  const positions = Uint32Array.from({ length: K }, (_, i) => i).filter((i) => i % 2 === 0); // half of them dead
  const blindOf = (value: (i: number) => number) =>
    agreementWith(at(positions), Float32Array.from(positions, value));
  expect(blindOf((i) => (dead(i) ? 0 : 1))).toMatchObject({ blind: 0, mostBlind: 0.05 });
  expect(blindOf(() => 1).blind).toBeCloseTo(0.5, 6);
  expect(blindOf(() => 0).blind).toBe(0);
});

test("G23: on a mask in common nobody chose it, and half more than the relay's own pieces have is usual", () => {
  const pieces = ["1", "2"].map((seed) => piece(seed)); // a quarter of their energy
  const everywhere = Uint32Array.from({ length: K }, (_, i) => i);
  const reference = createReferenceAt({ deltas: pieces, information }, everywhere)(everywhere);
  const { blind, mostBlind } = agreementWith(reference, piece("honest"));
  expect(blind).toBeCloseTo(0.25, 1);
  expect(mostBlind).toBeCloseTo(0.25 + 1.5 * 0.25, 1);
});
