import fc from "fast-check";
import { expect, test } from "vitest";
import { BLOCK_VALUES, quantise } from "../patch/quantiser.ts";
import {
  applyDeltaStep,
  decodeDeltaStep,
  encodeDeltaStep,
  movedValues,
  STEP_SEGMENTS,
} from "../tensors/delta-step.ts";
import { quantiseStep } from "./quantised-step.ts";

const SIZE = 300;
const float = fc.float({ min: -4, max: 4, noNaN: true });
const steps = fc.record({
  parameters: fc.array(float, { minLength: SIZE, maxLength: SIZE }),
  moves: fc.uniqueArray(fc.tuple(fc.nat(SIZE - 1), float), { selector: ([at]) => at }),
});

function stepOf(parameters: Float32Array, moves: readonly (readonly [number, number])[]) {
  const sorted = moves.toSorted(([a], [b]) => a - b);
  const positions = Uint32Array.from(sorted, ([position]) => position);
  const values = Float32Array.from(sorted, ([at, delta]) => parameters[at]! + delta);
  return { positions, values };
}

test("G21: a value is at most a fourteenth of its block's largest difference off, and rounding", () => {
  fc.assert(
    fc.property(steps, ({ parameters: list, moves }) => {
      const parameters = Float32Array.from(list);
      const step = stepOf(parameters, moves);
      const { positions, values } = quantiseStep(parameters, step);
      expect(positions).toBe(step.positions);
      for (let from = 0; from < values.length; from += BLOCK_VALUES) {
        const block = Array.from(values.subarray(from, from + BLOCK_VALUES), (_, i) => from + i);
        const moved = block.map((i) => Math.abs(step.values[i]! - parameters[positions[i]!]!));
        const most = Math.max(...moved);
        const bound = (most / 14) * 1.001 + 1e-6; // a scale is rounded up to an f16, a value to an f32
        for (const i of block) {
          expect(Math.abs(values[i]! - step.values[i]!)).toBeLessThanOrEqual(bound);
        }
      }
    }),
  );
});

test("G21: codes and scales are those of the quantiser, and the values what they stand for", () => {
  fc.assert(
    fc.property(steps, ({ parameters: list, moves }) => {
      const parameters = Float32Array.from(list);
      const { positions, values } = stepOf(parameters, moves);
      const delta = Float32Array.from(positions, (at, i) => values[i]! - parameters[at]!);
      const quantised = quantise(delta, STEP_SEGMENTS);
      expect(quantiseStep(parameters, { positions, values })).toEqual({
        positions,
        values: movedValues(parameters, positions, quantised),
        quantised,
      });
    }),
  );
});

test("G21: whoever loads the step gets the very parameters that were tested", () => {
  fc.assert(
    fc.property(steps, ({ parameters: list, moves }) => {
      const parameters = Float32Array.from(list);
      const step = quantiseStep(parameters, stepOf(parameters, moves));
      const loaded = decodeDeltaStep(encodeDeltaStep(step, SIZE), parameters);
      expect(loaded).toEqual(step);
      expect(applyDeltaStep(parameters, loaded)).toEqual(applyDeltaStep(parameters, step));
    }),
  );
});

test("G21: what goes further than four bits can say goes as far as they can, and nothing is thrown", () => {
  const parameters = new Float32Array(2);
  const step = { positions: Uint32Array.of(0, 1), values: Float32Array.of(9, -20) };
  expect(quantiseStep(parameters, step).values).toEqual(Float32Array.of(7, -7));
});
