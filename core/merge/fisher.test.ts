import fc from "fast-check";
import { expect, test } from "vitest";
import { cohortIn, inputOn, maskIn } from "../../tests/fixtures/merge-cohorts.ts";
import { decodeHalf } from "../tensors/half.ts";
import { mergeFisher } from "./fisher.ts";
import { fisherTable } from "./fisher-table.ts";
import { mergeMean } from "./mean.ts";
import type { MergeInput } from "./patch-sum.ts";

const SIZE = 40_000; // more than two windows
const base = Float32Array.from({ length: SIZE }, (_, i) => Math.fround(i / 1000 - 5));

const bitsOf = (values: Float32Array) => new Uint32Array(values.slice().buffer);
const cohorts = cohortIn(SIZE);

/** A patch of one value, 1 · code, with full multiplier. */
function oneValue(code: number, fisher: number | null, multiplier = 4096): MergeInput {
  return {
    positions: Uint32Array.of(0, 1),
    codes: Int8Array.of(code, 0),
    scales: Uint16Array.of(0x3c00),
    segments: Uint32Array.of(0),
    multiplier,
    fisher: fisher === null ? null : Uint8Array.of(fisher, 255 - fisher),
  };
}
const mergedValue = (...inputs: MergeInput[]) =>
  mergeFisher({ base: new Float32Array(2), inputs, outerStep: 1 }).values[0]!;

test("G15: who knows more counts for more", () => {
  const sure = oneValue(7, 255); // weight 2 here, 0 at the other position
  expect(mergedValue(sure, oneValue(1, null))).toBeCloseTo((2 * 7 + 1 * 1) / 3, 6);
  expect(mergedValue(sure, oneValue(-7, 0))).toBe(7);
});

test("G15: where nobody has weight it is the plain mean of all that cover the position", () => {
  expect(mergedValue(oneValue(7, 0), oneValue(1, 0), oneValue(4, 0))).toBe(4);
  const nothing = { ...oneValue(6, 0), fisher: Uint8Array.of(0, 0) };
  expect(mergedValue(nothing, oneValue(2, 0, 2048))).toBe(3.5);
});

test("G15: a lone newcomer does not get full weight, whatever its Fisher weights", () => {
  expect(mergedValue(oneValue(6, 255, 2048))).toBe(3);
  expect(mergedValue(oneValue(6, 0, 2048))).toBe(3);
});

test("G15: without Fisher weights it is the mean of G1, bit for bit", () => {
  fc.assert(
    fc.property(cohorts, (weighted) => {
      const inputs = weighted.map((input) => ({ ...input, fisher: null }));
      const merged = mergeFisher({ base, inputs, outerStep: 0.7 });
      const mean = mergeMean({ base, inputs, outerStep: 0.7 });
      expect(merged.positions).toEqual(mean.positions);
      expect(bitsOf(merged.values)).toEqual(bitsOf(mean.values));
    }),
  );
});

test("G15: nobody gains by weights that are all larger: the same bits", () => {
  const doubled = cohorts.map((inputs) =>
    inputs.map((input) => ({
      ...input,
      fisher: input.fisher?.map((code) => 8 + (code % 232)) ?? null,
    })),
  );
  fc.assert(
    fc.property(doubled, (inputs) => {
      const inflated = inputs.map((input, i) => ({
        ...input,
        fisher: i === 0 ? (input.fisher?.map((code) => code + 16) ?? null) : input.fisher,
      }));
      const one = mergeFisher({ base, inputs, outerStep: 1 });
      const other = mergeFisher({ base, inputs: inflated, outerStep: 1 });
      expect(bitsOf(other.values)).toEqual(bitsOf(one.values));
    }),
  );
});

test("G15: weights have mean 1 in every patch that has any", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 500 }), (fisher) => {
      const table = fisherTable(fisher);
      const sum = fisher.reduce((total, code) => total + table[code]!, 0);
      expect(sum / fisher.length).toBeCloseTo(fisher.some((code) => code > 0) ? 1 : 0, 5);
    }),
  );
});

test("G2: masks that are passed as other arrays with the same positions give the same bits", () => {
  fc.assert(
    fc.property(cohorts, fc.nat(), (inputs, which) => {
      const apart = inputs.map((input, i) =>
        (which >> i) & 1 ? { ...input, positions: input.positions.slice() } : input,
      );
      const one = mergeFisher({ base, inputs, outerStep: 0.7 });
      const other = mergeFisher({ base, inputs: apart.reverse(), outerStep: 0.7 });
      expect(other.positions).toEqual(one.positions);
      expect(bitsOf(other.values)).toEqual(bitsOf(one.values));
    }),
  );
});

test("G4: no liar moves a value past its own term and the honest ones, nor further than its share of the weight", () => {
  const cohort = maskIn(SIZE).chain((positions) =>
    fc.record({
      honest: fc.array(inputOn(positions), { minLength: 1, maxLength: 8 }),
      liar: inputOn(positions),
    }),
  );
  const zero = new Float32Array(SIZE);
  const weightAt = ({ fisher }: MergeInput, i: number) => fisherTable(fisher)[fisher?.[i] ?? 0]!;
  fc.assert(
    fc.property(cohort, ({ honest, liar }) => {
      const without = mergeFisher({ base: zero, inputs: honest, outerStep: 1 });
      const lying = mergeFisher({ base: zero, inputs: [...honest, liar], outerStep: 1 });
      lying.values.forEach((value, i) => {
        const term = (liar.multiplier / 4096) * decodeHalf(liar.scales[i >> 6]!) * liar.codes[i]!;
        const own = weightAt(liar, i);
        const all = honest.reduce((sum, input) => sum + weightAt(input, i), own);
        const share = all === 0 ? 1 / (honest.length + 1) : own / all;
        const bound = share * Math.abs(term - without.values[i]!);
        expect(Math.abs(value - without.values[i]!)).toBeLessThanOrEqual(bound + 1e-5); // f32 rounding of values up to 7
      });
    }),
  );
});

test("G15: own masks far apart in a large model are merged without walking over it", () => {
  const large = new Float32Array(50_000_000);
  const patch = (...positions: number[]): MergeInput => ({
    positions: Uint32Array.from(positions),
    codes: new Int8Array(positions.length).fill(7),
    scales: Uint16Array.of(0x3c00),
    segments: Uint32Array.of(0),
    multiplier: 4096,
    fisher: Uint8Array.from(positions, (_, i) => 100 + i),
  });
  const inputs = [patch(0, 16_383, 16_384, 49_999_999), patch(16_384, 131_072, 20_000_000)];
  const { positions, values } = mergeFisher({ base: large, inputs, outerStep: 1 });
  expect([...positions]).toEqual([0, 16_383, 16_384, 131_072, 20_000_000, 49_999_999]);
  expect([...values]).toEqual([7, 7, 7, 7, 7, 7]);
});
