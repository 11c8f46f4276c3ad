import { zeros } from "@tensorflow/tfjs-core";
import type { MaskPair } from "../../core/models/operations.ts";
import {
  type NormKind,
  norm,
  normInputGradient,
  sampledNormInto,
} from "../../core/models/transformer-operations.ts";
import type { Random } from "../../core/random.ts";
import { matrix, pair } from "../attributes.ts";
import { columnSums } from "../column-sums.ts";
import { type Call, type HostOperation, optional } from "../host-call.ts";
import { blank, floats, integers, type OperationTrial, on } from "../trial.ts";

// R rows, C channels

/** Layer and RMS norms of rows, on arrays: outputs first, then inputs. */
export type NormBodies = {
  norm(
    y: Float32Array,
    x: Float32Array,
    weight: Float32Array,
    bias: Float32Array | null,
    kind: NormKind,
  ): void;
  normInputGradient(
    dx: Float32Array,
    dy: Float32Array,
    x: Float32Array,
    weight: Float32Array,
    residual: Float32Array | null,
    kind: NormKind,
  ): void;
  sampledNorm(
    gradient: Float32Array,
    x: Float32Array,
    dy: Float32Array,
    positions: Int32Array,
    sizes: MaskPair & NormKind & { readonly R: number; readonly C: number },
  ): void;
};

export const plainNormBodies: NormBodies = {
  norm(y, x, weight, bias, kind) {
    const C = weight.length;
    for (let row = 0; row < x.length; row += C) {
      const { mean, inverse } = statistics(x, row, C, kind);
      for (let c = 0; c < C; c++) {
        const value = (x[row + c]! - mean) * inverse * weight[c]!;
        y[row + c] = bias === null ? value : value + bias[c]!;
      }
    }
  },

  normInputGradient(dx, dy, x, weight, residual, kind) {
    const C = weight.length;
    for (let row = 0; row < x.length; row += C) {
      const { mean, inverse } = statistics(x, row, C, kind);
      let sumG = 0;
      let sumGN = 0;
      for (let c = 0; c < C; c++) {
        const g = dy[row + c]! * weight[c]!;
        sumG += g;
        sumGN += g * (x[row + c]! - mean) * inverse;
      }
      const meanG = kind.norm === "layer" ? sumG / C : 0; // a shift of x changes nothing there
      for (let c = 0; c < C; c++) {
        const normal = (x[row + c]! - mean) * inverse;
        const d = inverse * (dy[row + c]! * weight[c]! - meanG - (normal * sumGN) / C);
        dx[row + c] = residual === null ? d : d + residual[row + c]!;
      }
    }
  },

  sampledNorm(gradient, x, dy, positions, { start, first, second, R, C, ...kind }) {
    columnSums(gradient, dy, positions, { start, count: first, R, O: C });
    if (second === 0) return;
    const rows = Array.from({ length: R }, (_, r) => statistics(x, r * C, C, kind));
    for (let entry = start + first; entry < start + first + second; entry++) {
      let at = positions[entry]!;
      let sum = 0;
      for (const { mean, inverse } of rows) {
        sum += dy[at]! * (x[at]! - mean) * inverse;
        at += C;
      }
      gradient[entry] = sum;
    }
  },
};

/** What is taken off x[row … row + C − 1], and what it is then multiplied by. */
function statistics(
  x: Float32Array,
  row: number,
  C: number,
  { norm, epsilon }: NormKind,
): { mean: number; inverse: number } {
  let mean = 0;
  if (norm === "layer") {
    for (let c = 0; c < C; c++) mean += x[row + c]!;
    mean /= C;
  }
  let squares = 0;
  for (let c = 0; c < C; c++) squares += (x[row + c]! - mean) ** 2;
  return { mean, inverse: 1 / Math.sqrt(squares / C + epsilon) };
}

function kindOf({ attributes }: Call): NormKind {
  return {
    norm: attributes.norm === "rms" ? "rms" : "layer",
    epsilon: Number(attributes.epsilon),
  };
}

export const NORM_OPERATIONS: Readonly<Record<string, HostOperation>> = {
  Norm: (call) => {
    const { tensor, floats, make, bodies } = call;
    const y = make(matrix(tensor("x")));
    const bias = optional(call, "bias");
    bodies.norm(floats(y), floats("x"), floats("weight"), bias, kindOf(call));
    return y;
  },

  NormInputGradient: (call) => {
    const { tensor, floats, make, bodies } = call;
    const dx = make(matrix(tensor("x")));
    const inputs = [floats("dy"), floats("x"), floats("weight")] as const;
    bodies.normInputGradient(floats(dx), ...inputs, optional(call, "residual"), kindOf(call));
    return dx;
  },

  SampledNorm: (call) => {
    const { tensor, floats, integers, attributes, bodies } = call;
    const [R, C] = matrix(tensor("x"));
    const sizes = { ...pair(attributes), ...kindOf(call), R, C };
    const positions = integers("positions");
    bodies.sampledNorm(floats("gradient"), floats("x"), floats("dy"), positions, sizes);
    return [];
  },
};

/** 39 rows of 21 channels: no multiples of a group or vector. */
export function* normTrials(random: Random): Generator<OperationTrial> {
  const [R, C] = [39, 21];
  const [x, dy, residual] = [floats(random, R * C), floats(random, R * C), floats(random, R * C)];
  const [weight, offset] = [floats(random, C), floats(random, C)];
  for (const name of ["layer", "rms"] as const) {
    const kind: NormKind = { norm: name, epsilon: name === "layer" ? 1e-5 : 1e-3 };
    const bias = name === "layer" ? offset : null;
    const y = blank(R * C);
    plainNormBodies.norm(y, x, weight, bias, kind);
    yield {
      op: `Norm ${name}`,
      onDevice: () => [norm(on(x, R, C), on(weight, C), bias === null ? null : on(bias, C), kind)],
      expected: [y],
    };
    for (const past of [null, residual]) {
      const dx = blank(R * C);
      plainNormBodies.normInputGradient(dx, dy, x, weight, past, kind);
      yield {
        op: `NormInputGradient ${name}${past === null ? "" : " with residual"}`,
        onDevice: () => {
          const added = past === null ? null : on(past, R, C);
          return [normInputGradient(on(dy, R, C), on(x, R, C), on(weight, C), added, kind)];
        },
        expected: [dx],
      };
    }
    const columns = Int32Array.from({ length: 2 * C }, (_, entry) => entry % C);
    const options = { start: 2, first: name === "layer" ? C - 3 : 0, second: C, ...kind };
    const sampled = blank(2 * C);
    plainNormBodies.sampledNorm(sampled, x, dy, columns, { R, C, ...options });
    yield {
      op: `SampledNorm ${name}`,
      onDevice: () => {
        const gradient = zeros([2 * C]);
        sampledNormInto(gradient, on(x, R, C), on(dy, R, C), integers(columns), options);
        return [gradient];
      },
      expected: [sampled],
    };
  }
}
