import type { NamedAttrMap } from "@tensorflow/tfjs-core";
import type { NormKind } from "../../core/models/transformer-operations.ts";
import { matrix, pair } from "../attributes.ts";
import { type Body, take } from "./body.ts";
import { runInParts } from "./dispatch-limit.ts";
import type { Program } from "./program.ts";
import { MAIN, THREADS } from "./programs.ts";
import { runSampledNorm } from "./sampled.ts";

// R rows, C channels

const LANES = 8; // threads of a row: neighbours read neighbours; more would spend their time at barriers
const ROWS_A_GROUP = THREADS / LANES;

const PASSES_OF_A_CHANNEL = 4; // over a row, in the dearer of the two programs

/** The sizes of norms of [R, C], how many workgroups they take, and the multiply-adds of one. */
function sizesOf(R: number, C: number, { epsilon }: NormKind) {
  return {
    integers: [R, C],
    floats: [epsilon],
    groups: Math.ceil(R / ROWS_A_GROUP),
    groupCost: ROWS_A_GROUP * C * PASSES_OF_A_CHANNEL,
  };
}

/** What is taken off a row, what it is then multiplied by, and sums over its threads in a fixed order. */
const rowNorm = (norm: NormKind["norm"]) => `
  var<workgroup> partial : array<vec2<f32>, ${THREADS}>;

  fn total(value : vec2<f32>) -> vec2<f32> {
    let thread = i32(localIndex);
    partial[thread] = value;
    workgroupBarrier();
    var sum = vec2<f32>(0.0);
    for (var lane = 0; lane < ${LANES}; lane++) { sum += partial[thread - thread % ${LANES} + lane]; }
    workgroupBarrier();
    return sum;
  }

  fn meanOf(first : i32, lane : i32) -> f32 {
    ${
      norm === "rms"
        ? "return 0.0;"
        : `
    var sum = 0.0;
    for (var c = lane; c < uniforms.channels; c += ${LANES}) { sum += x[first + c]; }
    return total(vec2<f32>(sum, 0.0)).x / f32(uniforms.channels);`
    }
  }

  fn inverseOf(first : i32, lane : i32, mean : f32) -> f32 {
    var sum = 0.0;
    for (var c = lane; c < uniforms.channels; c += ${LANES}) {
      let distance = x[first + c] - mean;
      sum += distance * distance;
    }
    return inverseSqrt(total(vec2<f32>(sum, 0.0)).x / f32(uniforms.channels) + uniforms.epsilon);
  }`;

/** Threads past the last row follow to the barriers; what they read is clamped and never written. */
const ROW = `
      let row = index / ${LANES};
      let lane = index % ${LANES};
      let first = row * uniforms.channels;
      let mean = meanOf(first, lane);
      let inverse = inverseOf(first, lane, mean);`;

const EACH_CHANNEL = `for (var c = lane; c < uniforms.channels && row < uniforms.rows; c += ${LANES})`;

const NORM = {
  integers: ["rows", "channels", "firstGroup"],
  floats: ["epsilon"],
  workgroupSize: THREADS,
};

const normProgram = (norm: NormKind["norm"]): Program => ({
  name: `commonweight_${norm}_norm`,
  inputs: ["x", "weight", ...(norm === "layer" ? ["bias"] : [])],
  ...NORM,
  code: `${rowNorm(norm)}${MAIN}${ROW}
      ${EACH_CHANNEL} {
        result[first + c] = (x[first + c] - mean) * inverse * weight[c]${norm === "layer" ? " + bias[c]" : ""};
      }
    }`,
});

/** With or without what reached x past the norm. */
const gradientProgram = (norm: NormKind["norm"], withResidual: boolean): Program => ({
  name: `commonweight_${norm}_norm_input_gradient_${withResidual}`,
  inputs: ["dy", "x", "weight", ...(withResidual ? ["residual"] : [])],
  ...NORM,
  code: `${rowNorm(norm)}${MAIN}${ROW}
      var sums = vec2<f32>(0.0); // of g = dy · weight, and of g times the normalised x
      for (var c = lane; c < uniforms.channels; c += ${LANES}) {
        let g = dy[first + c] * weight[c];
        sums += vec2<f32>(g, g * (x[first + c] - mean) * inverse);
      }
      let means = total(sums) / f32(uniforms.channels);
      ${EACH_CHANNEL} {
        let normal = (x[first + c] - mean) * inverse;
        let g = dy[first + c] * weight[c]${norm === "layer" ? " - means.x" : ""};
        let d = inverse * (g - normal * means.y);
        result[first + c] = d${withResidual ? " + residual[first + c]" : ""};
      }
    }`,
});

const PROGRAMS = {
  layer: {
    norm: normProgram("layer"),
    gradient: gradientProgram("layer", false),
    gradientAndResidual: gradientProgram("layer", true),
  },
  rms: {
    norm: normProgram("rms"),
    gradient: gradientProgram("rms", false),
    gradientAndResidual: gradientProgram("rms", true),
  },
};

function kindOf({ norm, epsilon }: NamedAttrMap): NormKind {
  return { norm: norm === "rms" ? "rms" : "layer", epsilon: Number(epsilon) };
}

export const NORM_BODIES: Readonly<Record<string, Body>> = {
  Norm: (backend, inputs, attributes) => {
    const [x, weight] = take(inputs, "x", "weight");
    const { bias } = inputs;
    const kind = kindOf(attributes);
    const [R, C] = matrix(x);
    const y = backend.makeTensorInfo([R, C], "float32");
    runInParts(backend, PROGRAMS[kind.norm].norm, {
      output: y,
      inputs: bias === undefined ? [x, weight] : [x, weight, bias],
      ...sizesOf(R, C, kind),
    });
    return y;
  },

  NormInputGradient: (backend, inputs, attributes) => {
    const [dy, x, weight] = take(inputs, "dy", "x", "weight");
    const { residual } = inputs;
    const kind = kindOf(attributes);
    const [R, C] = matrix(x);
    const dx = backend.makeTensorInfo([R, C], "float32");
    const { gradient, gradientAndResidual } = PROGRAMS[kind.norm];
    runInParts(backend, residual === undefined ? gradient : gradientAndResidual, {
      output: dx,
      inputs: residual === undefined ? [dy, x, weight] : [dy, x, weight, residual],
      ...sizesOf(R, C, kind),
    });
    return dx;
  },

  SampledNorm: (backend, inputs, attributes) => {
    const [gradient, x, dy, positions] = take(inputs, "gradient", "x", "dy", "positions");
    const given = { gradient, x, dy, positions, pair: pair(attributes) };
    runSampledNorm(backend, { ...given, kind: kindOf(attributes) });
    return [];
  },
};
