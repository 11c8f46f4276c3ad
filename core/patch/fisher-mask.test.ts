import fc from "fast-check";
import { expect, test } from "vitest";
import { FormatError } from "../errors.ts";
import { createRandom } from "../random.ts";
import { createLayout } from "../tensors/layout.ts";
import { type FisherMaskOptions, fisherPositions, vectorNames } from "./fisher-mask.ts";

const layout = createLayout([
  { name: "a.bias", shape: [6] },
  { name: "a.weight", shape: [10, 20] },
  { name: "b.weight", shape: [30, 10] },
  { name: "out", shape: [5, 4] },
]);
const N = layout.size;
const values = fc
  .array(fc.oneof(fc.constant(0), fc.float({ min: 0, max: 1e6, noNaN: true })), {
    minLength: N,
    maxLength: N,
    size: "max",
  })
  .map((all) => Float32Array.from(all));
const masks: fc.Arbitrary<FisherMaskOptions> = fc.record({
  fisher: values,
  layout: fc.constant(layout),
  count: fc.integer({ min: 1, max: N }),
  seed: fc.string(),
  protectedFisher: fc.oneof(values, fc.constant(null)),
  damping: fc.double({ min: 0, max: 100, noNaN: true }),
});

const inTensor = (positions: Uint32Array, name: string) => {
  const { offset, size } = layout.tensors.find((tensor) => tensor.name === name)!;
  return positions.filter((position) => position >= offset && position < offset + size).length;
};

test("M7: exactly as many positions as asked for, strictly ascending, the same for the same seed", () => {
  fc.assert(
    fc.property(masks, (options) => {
      const positions = fisherPositions(options);
      expect(positions.length).toBe(options.count);
      expect([...new Set(positions)].sort((a, b) => a - b)).toEqual([...positions]);
      expect(positions.at(-1)!).toBeLessThan(N);
      expect(fisherPositions(options)).toEqual(positions);
    }),
  );
});

test("M7: positions without information come only when all others are taken, and then at random", () => {
  const fisher = Float32Array.from({ length: N }, (_, i) => (i % 2 === 0 ? 1e-45 : 0));
  const few = fisherPositions({ fisher, layout, count: N / 2, seed: "x" });
  expect(few.every((position) => position % 2 === 0)).toBe(true);
  const more = fisherPositions({ fisher, layout, count: N / 2 + 20, seed: "x" });
  const odd = more.filter((position) => position % 2 === 1);
  expect(odd.length).toBe(20);
  expect(odd.at(-1)! - odd[0]!).toBeGreaterThan(N / 2);
  const nothing = new Float32Array(N);
  expect(fisherPositions({ fisher: nothing, layout, count: 9, seed: "x" }).length).toBe(9);
});

test.each([1, 2, 3, 4, 5])(
  "M7: information that is a hair off, as another device's is, draws the same mask but for its edge (seed %i)",
  (seed) => {
    const large = createLayout([{ name: "w", shape: [400, 500] }]);
    const random = createRandom(`hair ${seed}`);
    const fisher = Float32Array.from({ length: large.size }, () => random.uint32());
    const other = fisher.map((value) => value * (1 + (random.below(2001) - 1000) * 1e-6)); // 1e-3 either way
    const options = { layout: large, count: 4000, seed: `device ${seed}` };
    const drawn = fisherPositions({ ...options, fisher });
    const again = new Set(fisherPositions({ ...options, fisher: other }));
    const shared = drawn.filter((position) => again.has(position)).length;
    expect(shared).toBeGreaterThan(0.998 * drawn.length);
  },
);

/** How often each of N positions is drawn. */
function frequencies(options: Omit<FisherMaskOptions, "seed">, trials: number): number[] {
  const counts = new Array<number>(options.layout.size).fill(0);
  for (let trial = 0; trial < trials; trial++) {
    for (const position of fisherPositions({ ...options, seed: `trial ${trial}` }))
      counts[position]!++;
  }
  return counts.map((n) => n / trials);
}
const TRIALS = 20_000;
const TOLERANCE = 4 * Math.sqrt(0.25 / TRIALS);
const shares = (weights: readonly number[]) => {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
};

test("M7: one position is drawn in proportion to √F, two as if one were drawn after the other", () => {
  const small = createLayout([{ name: "w", shape: [5] }]);
  const fisher = Float32Array.of(1, 4, 9, 16, 0);
  const first = shares([1, 2, 3, 4, 0]);
  frequencies({ fisher, layout: small, count: 1 }, TRIALS).forEach((frequency, i) => {
    expect(Math.abs(frequency - first[i]!)).toBeLessThan(TOLERANCE);
  });
  frequencies({ fisher, layout: small, count: 2 }, TRIALS).forEach((frequency, i) => {
    const second = first.reduce(
      (sum, share, other) => sum + (other === i ? 0 : (share * first[i]!) / (1 - share)),
      0,
    );
    expect(Math.abs(frequency - first[i]! - second)).toBeLessThan(TOLERANCE);
  });
});

test("M7: what the protected suite needs is drawn less often, by √(F / (F + λP)), on any scale of P", () => {
  const small = createLayout([{ name: "w", shape: [4] }]);
  const fisher = Float32Array.of(1, 1, 1, 1);
  const protectedFisher = Float32Array.of(0, 1e9, 3e9, 0); // with mean 1e9, λ makes of it 0, 3, 9, 0
  const expected = shares([1, 1 / Math.sqrt(4), 1 / Math.sqrt(10), 1]);
  const options = { fisher, protectedFisher, damping: 3, layout: small, count: 1 };
  frequencies(options, TRIALS).forEach((frequency, i) => {
    expect(Math.abs(frequency - expected[i]!)).toBeLessThan(TOLERANCE);
  });
});

test("M7: quotas get at least their share, as far as there is room, and no tensor more than its caps", () => {
  const limited = fc
    .tuple(masks, fc.nat(30), fc.nat(30), fc.nat(100), fc.nat(100))
    .map(([mask, vectors, output, ofTensor, ofMask]) => ({
      ...mask,
      count: Math.max(1, Math.floor(mask.count / 2)),
      quotas: [
        { tensors: vectorNames(layout), share: vectors / 100 },
        { tensors: ["out"], share: output / 100 },
      ],
      caps: { ofTensor: 0.6 + ofTensor / 250, ofMask: 0.6 + ofMask / 250 },
    }));
  const reached = { quota: 0, ofTensor: 0, ofMask: 0 };
  fc.assert(
    fc.property(limited, (options) => {
      const { count, caps, quotas } = options;
      const room = (size: number) =>
        Math.min(Math.ceil(caps.ofTensor * size), Math.ceil(caps.ofMask * count));
      fc.pre(layout.tensors.reduce((sum, { size }) => sum + room(size), 0) >= count);
      const positions = fisherPositions(options);
      expect(new Set(positions).size).toBe(count);
      for (const { name, size } of layout.tensors) {
        const own = inTensor(positions, name);
        expect(own).toBeLessThanOrEqual(room(size));
        if (own === Math.ceil(caps.ofTensor * size)) reached.ofTensor++;
        if (own === Math.ceil(caps.ofMask * count)) reached.ofMask++;
      }
      for (const { tensors, share } of quotas) {
        const own = tensors.reduce((sum, name) => sum + inTensor(positions, name), 0);
        const size = tensors[0] === "out" ? 20 : 6;
        const least = Math.min(Math.floor(share * count), room(size));
        expect(own).toBeGreaterThanOrEqual(least);
        if (least > 0 && own === least) reached.quota++;
      }
    }),
    { numRuns: 300 },
  );
  expect(Math.min(...Object.values(reached))).toBeGreaterThan(0); // each bound was felt
});

test("M7: a quota fills a tensor that would get nothing, with its most informed positions", () => {
  const fisher = new Float32Array(N).fill(1);
  fisher.fill(0, N - 20); // the output knows nothing …
  fisher[N - 3] = 1e-20; // … but for one position
  const quotas = [{ tensors: ["out"], share: 0.1 }];
  const without = fisherPositions({ fisher, layout, count: 100, seed: "q" });
  const positions = fisherPositions({ fisher, layout, count: 100, seed: "q", quotas });
  expect(inTensor(without, "out")).toBe(0);
  expect(inTensor(positions, "out")).toBe(10);
  expect(positions).toContain(N - 3);
});

test("M7: biases and norms are what has one dimension", () => {
  expect(vectorNames(layout)).toEqual(["a.bias"]);
});

test.each([
  { name: "no positions", change: { count: 0 }, says: `mask: 0 positions of ${N}` },
  { name: "too many", change: { count: N + 1 }, says: `mask: ${N + 1} positions of ${N}` },
  {
    name: "Fisher of another model",
    change: { fisher: new Float32Array(3) },
    says: "fisher: 3 values",
  },
  {
    name: "negative Fisher",
    change: { fisher: new Float32Array(N).fill(-1) },
    says: "fisher: value 0 is -1",
  },
  {
    name: "a protected suite's Fisher that diverged",
    change: { protectedFisher: new Float32Array(N).fill(Number.NaN) },
    says: "protected fisher: value 0 is NaN",
  },
  {
    name: "caps without room",
    change: { caps: { ofTensor: 0.01, ofMask: 1 } },
    says: "mask: the caps leave room for 7 of 50",
  },
  {
    name: "a quota for no tensor",
    change: { quotas: [{ tensors: ["x"], share: 0.1 }] },
    says: 'mask: a quota for "x", which is no tensor',
  },
  {
    name: "two quotas for one tensor",
    change: {
      quotas: [
        { tensors: ["out"], share: 0.1 },
        { tensors: ["out"], share: 0.1 },
      ],
    },
    says: 'mask: two quotas for "out"',
  },
  {
    name: "quotas of more than the mask",
    change: {
      quotas: [
        { tensors: ["out"], share: 0.6 },
        { tensors: ["a.bias"], share: 0.6 },
      ],
    },
    says: "mask: quotas of 1.2 of the mask",
  },
])("M7: refused: $name", ({ change, says }) => {
  const options = { fisher: new Float32Array(N).fill(1), layout, count: 50, seed: "x", ...change };
  expect(() => fisherPositions(options)).toThrow(says);
  expect(() => fisherPositions(options)).toThrow(FormatError);
});
