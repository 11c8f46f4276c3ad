import fc from "fast-check";
import { expect, test } from "vitest";
import { inputOn } from "../../tests/fixtures/merge-cohorts.ts";
import { mergeMean } from "./mean.ts";
import type { MergeInput } from "./patch-sum.ts";

const SIZE = 400; // parameters; two tensors, the second from position 150 on
const SECOND = 150;

/** The value of an f16 in [0, 1] as a whole number of 2^-24, by the definition of IEEE 754 binary16. */
function scaleUnits(bits: number): bigint {
  const exponent = BigInt(bits >> 10);
  const fraction = BigInt(bits & 0x3ff);
  return exponent === 0n ? fraction : (1024n + fraction) << (exponent - 1n);
}

function blockOf(input: MergeInput, entry: number): number {
  let block = 0;
  for (let s = 0; s < input.segments.length; s++) {
    const start = input.segments[s]!;
    const end = input.segments[s + 1] ?? input.positions.length;
    if (entry < end) return block + Math.floor((entry - start) / 64);
    block += Math.ceil((end - start) / 64);
  }
  throw new Error("entry past the end");
}

/** The merge with whole numbers for the sum, one position at a time, in a map. */
function referenceMerge(base: Float32Array, inputs: readonly MergeInput[], outerStep: number) {
  const sums = new Map<number, { units: bigint; coverage: number }>();
  for (const input of inputs) {
    input.positions.forEach((position, entry) => {
      const sum = sums.get(position) ?? { units: 0n, coverage: 0 };
      const scale = scaleUnits(input.scales[blockOf(input, entry)]!);
      sum.units += BigInt(input.multiplier) * scale * BigInt(input.codes[entry]!);
      sum.coverage++;
      sums.set(position, sum);
    });
  }
  const positions = [...sums.keys()].sort((a, b) => a - b);
  const values = positions.map((position) => {
    const { units, coverage } = sums.get(position)!;
    return base[position]! + outerStep * (Number(units) / 2 ** 24 / (4096 * coverage));
  });
  return { positions: Uint32Array.from(positions), values: Float32Array.from(values) };
}

const positionsArbitrary = fc
  .uniqueArray(fc.nat(SIZE - 1), { minLength: 1, maxLength: 300 })
  .map((positions) => Uint32Array.from(positions).sort());

/** Up to nine patches on one to three masks, and the same in another order. */
const cohortArbitrary = fc
  .array(positionsArbitrary, { minLength: 1, maxLength: 3 })
  .chain((masks) =>
    fc.array(fc.oneof(...masks.map((mask) => inputOn(mask, SECOND))), {
      minLength: 1,
      maxLength: 9,
    }),
  )
  .chain((inputs) =>
    fc.record({
      inputs: fc.constant(inputs),
      shuffled: fc.shuffledSubarray(inputs, {
        minLength: inputs.length,
        maxLength: inputs.length,
      }),
    }),
  );
const baseArbitrary = fc
  .array(fc.float({ noNaN: true, min: -10, max: 10 }), { minLength: SIZE, maxLength: SIZE })
  .map((values) => Float32Array.from(values));
const outerStepArbitrary = fc.double({ min: 0.01, max: 10, noNaN: true });

function bytesOf(array: Float32Array | Uint32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

test("G1: the merge equals the sum in whole numbers, divided once and rounded once", () => {
  fc.assert(
    fc.property(
      baseArbitrary,
      cohortArbitrary,
      outerStepArbitrary,
      (base, { inputs }, outerStep) => {
        const merged = mergeMean({ base, inputs, outerStep });
        const expected = referenceMerge(base, inputs, outerStep);
        expect(merged.positions).toEqual(expected.positions);
        expect(bytesOf(merged.values)).toEqual(bytesOf(expected.values));
      },
    ),
  );
});

test("G2: the order of the patches does not change one bit", () => {
  fc.assert(
    fc.property(baseArbitrary, cohortArbitrary, outerStepArbitrary, (base, cohort, outerStep) => {
      const one = mergeMean({ base, inputs: cohort.inputs, outerStep });
      const other = mergeMean({ base, inputs: cohort.shuffled, outerStep });
      expect(other.positions).toEqual(one.positions);
      expect(bytesOf(other.values)).toEqual(bytesOf(one.values));
    }),
  );
});

test("G2: a mask that is passed as another array with the same positions gives the same bits", () => {
  fc.assert(
    fc.property(baseArbitrary, cohortArbitrary, (base, { inputs }) => {
      const copied = inputs.map((input) => ({ ...input, positions: input.positions.slice() }));
      const one = mergeMean({ base, inputs, outerStep: 1 });
      const other = mergeMean({ base, inputs: copied, outerStep: 1 });
      expect(other.positions).toEqual(one.positions);
      expect(bytesOf(other.values)).toEqual(bytesOf(one.values));
    }),
  );
});

test("G3: one patch alone with full multiplier and outer step 1 is base plus itself", () => {
  fc.assert(
    fc.property(
      baseArbitrary,
      positionsArbitrary.chain((mask) => inputOn(mask, SECOND)),
      (base, patch) => {
        const { positions, values } = mergeMean({
          base,
          inputs: [{ ...patch, multiplier: 4096 }],
          outerStep: 1,
        });
        const itself = Array.from(patch.positions, (position, entry) => {
          const scale = Number(scaleUnits(patch.scales[blockOf(patch, entry)]!)) / 2 ** 24;
          return base[position]! + (scale * patch.codes[entry]! + 0); // no sum is −0
        });
        expect(positions).toEqual(patch.positions);
        expect(bytesOf(values)).toEqual(bytesOf(Float32Array.from(itself)));
      },
    ),
  );
});

test("G4: a liar among n patches of one mask moves no value by more than 7 · multiplier / (4096 n)", () => {
  const cohort = positionsArbitrary.chain((positions) =>
    fc.record({
      honest: fc.array(inputOn(positions, SECOND), { minLength: 1, maxLength: 8 }),
      liar: inputOn(positions, SECOND),
    }),
  );
  fc.assert(
    fc.property(cohort, ({ honest, liar }) => {
      const base = new Float32Array(SIZE);
      const silent = { ...liar, multiplier: 0 };
      const without = mergeMean({ base, inputs: [...honest, silent], outerStep: 1 });
      const lying = mergeMean({ base, inputs: [...honest, liar], outerStep: 1 });
      const bound = (7 * liar.multiplier) / (4096 * (honest.length + 1));
      lying.values.forEach((value, i) => {
        expect(Math.abs(value - without.values[i]!)).toBeLessThanOrEqual(bound + 1e-5); // f32 rounding of values up to 7
      });
    }),
  );
});

test("G2: 16,384 patches at the largest scale, code and multiplier still sum exactly", () => {
  const positions = Uint32Array.of(3);
  const patch = (code: number, scale: number, multiplier: number): MergeInput => ({
    positions,
    codes: Int8Array.of(code),
    scales: Uint16Array.of(scale),
    segments: Uint32Array.of(0),
    multiplier,
    fisher: null,
  });
  const inputs = Array.from({ length: 16_383 }, () => patch(7, 0x3c00, 4096));
  inputs.push(patch(1, 1, 1)); // the smallest unit there is
  const base = Float32Array.of(0, 0, 0, 0);
  const { values } = mergeMean({ base, inputs, outerStep: 1 });
  const sum = 16_383 * 7 * 4096 + 2 ** -24;
  expect(sum - 16_383 * 7 * 4096).toBe(2 ** -24);
  expect(values[0]).toBe(Math.fround(sum / (4096 * 16_384)));
});

test("G1: own masks far apart in a large model are merged without walking over it", () => {
  const base = new Float32Array(50_000_000);
  const patch = (...positions: number[]): MergeInput => ({
    positions: Uint32Array.from(positions),
    codes: new Int8Array(positions.length).fill(7),
    scales: Uint16Array.of(0x3c00),
    segments: Uint32Array.of(0),
    multiplier: 4096,
    fisher: null,
  });
  const inputs = [patch(0, 65_535, 65_536, 49_999_999), patch(65_536, 131_072, 20_000_000)];
  const { positions, values } = mergeMean({ base, inputs, outerStep: 1 });
  expect([...positions]).toEqual([0, 65_535, 65_536, 131_072, 20_000_000, 49_999_999]);
  expect([...values]).toEqual([7, 7, 7, 7, 7, 7]);
});
