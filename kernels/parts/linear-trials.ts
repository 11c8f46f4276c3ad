import {
  linear,
  linearInputGradient,
  linearWithResidual,
  type Orientation,
  squaredGradientInto,
} from "../../core/models/operations.ts";
import type { Random } from "../../core/random.ts";
import { plainBodies } from "../host-bodies.ts";
import { floats, type OperationTrial, on, TRIAL_SIZES } from "../trial.ts";

/** x [R, I] and dy [R, O] of a linear with its weight [O, I] and bias [O]. */
export type LinearInputs = Readonly<Record<"x" | "dy" | "weight" | "bias", Float32Array>>;

export const ORIENTATIONS = ["out-in", "in-out"] as const;
const { R, I, O } = TRIAL_SIZES;

const shapeOf = (orientation: Orientation) => (orientation === "out-in" ? [O, I] : [I, O]);

/** Products and their inputs' gradients, with all that goes into the same pass: bias, ReLU, a residual. */
export function* linearTrials(
  inputs: LinearInputs,
  orientation: Orientation,
): Generator<OperationTrial> {
  const { x, dy, weight, bias } = inputs;
  const shape = shapeOf(orientation);
  const sizes = { ...TRIAL_SIZES, orientation };
  for (const relu of [false, true]) {
    const y = new Float32Array(R * O);
    plainBodies.linear(y, x, weight, relu ? bias : null, null, { ...sizes, relu });
    const dx = new Float32Array(R * I);
    plainBodies.linearInputGradient(dx, dy, weight, relu ? x : null, null, sizes);
    yield {
      op: `Linear ${orientation}${relu ? " with bias and ReLU" : ""}`,
      onDevice: () => {
        const biasTensor = relu ? on(bias, O) : null;
        return [linear(on(x, R, I), on(weight, ...shape), biasTensor, { orientation, relu })];
      },
      expected: [y],
    };
    yield {
      op: `LinearInputGradient ${orientation}${relu ? " through ReLU" : ""}`,
      onDevice: () => {
        const gate = relu ? on(x, R, I) : null;
        return [linearInputGradient(on(dy, R, O), on(weight, ...shape), gate, { orientation })];
      },
      expected: [dx],
    };
  }
  yield* residualTrials(inputs, orientation);
}

function* residualTrials(
  { x, dy, weight, bias }: LinearInputs,
  orientation: Orientation,
): Generator<OperationTrial> {
  const shape = shapeOf(orientation);
  const sizes = { ...TRIAL_SIZES, orientation };
  for (const offset of [bias, null]) {
    const summed = new Float32Array(R * O);
    plainBodies.linear(summed, x, weight, offset, dy, { ...sizes, relu: false });
    yield {
      op: `Linear ${orientation} with residual${offset === null ? ", no bias" : ""}`,
      onDevice: () => {
        const added = offset === null ? null : on(offset, O);
        const given = [on(dy, R, O), on(x, R, I), on(weight, ...shape), added] as const;
        return [linearWithResidual(...given, { orientation })];
      },
      expected: [summed],
    };
  }
  const dx = new Float32Array(R * I);
  plainBodies.linearInputGradient(dx, dy, weight, null, x, sizes);
  yield {
    op: `LinearInputGradient ${orientation} with what came another way`,
    onDevice: () => {
      const options = { orientation, past: on(x, R, I) };
      return [linearInputGradient(on(dy, R, O), on(weight, ...shape), null, options)];
    },
    expected: [dx],
  };
}

/** Sums of squared gradients: each row an example of its own, and all rows one. */
export function* squaredTrials(
  random: Random,
  x: Float32Array,
  dy: Float32Array,
): Generator<OperationTrial> {
  const before = floats(random, I * O);
  for (const orientation of ORIENTATIONS) {
    for (const rows of [1, R]) {
      const options = { orientation, rows, scale: 0.5 };
      const after = before.slice();
      plainBodies.squaredGradient(after, x, dy, { ...TRIAL_SIZES, ...options });
      yield {
        op: `SquaredGradient ${orientation}, ${R / rows} examples`,
        onDevice: () => {
          const sums = on(before, ...shapeOf(orientation));
          squaredGradientInto(sums, on(x, R, I), on(dy, R, O), options);
          return [sums];
        },
        expected: [after],
      };
    }
  }
}
