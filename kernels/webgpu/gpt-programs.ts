import type { Program } from "./program.ts";
import { MAIN, THREADS } from "./programs.ts";

// R rows, C channels

/** One thread an element of x [R, C]. */
export const EMBED: Program = {
  name: "commonweight_embed",
  inputs: ["tokens", "wte", "wpe"],
  integers: ["elements", "channels", "time", "firstGroup"],
  workgroupSize: THREADS,
  code: `${MAIN}
      if (index >= uniforms.elements) { return; }
      let row = index / uniforms.channels;
      let c = index % uniforms.channels;
      let t = row % uniforms.time;
      result[index] = wte[tokens[row] * uniforms.channels + c] + wpe[t * uniforms.channels + c];
    }`,
};

const LANES = 8; // threads of a row: neighbours read neighbours; more would spend their time at barriers
const ROWS_A_GROUP = THREADS / LANES;

const PASSES_OF_A_CHANNEL = 4; // over a row, in the dearer of the two programs

/** How many workgroups layer norms of [rows, channels] take, and the multiply-adds of one. */
export function layerNormGroups(
  rows: number,
  channels: number,
): { groups: number; groupCost: number } {
  return {
    groups: Math.ceil(rows / ROWS_A_GROUP),
    groupCost: ROWS_A_GROUP * channels * PASSES_OF_A_CHANNEL,
  };
}

/** A row's mean, its 1 / √(variance + ε), and sums over its threads in a fixed order. */
const ROW_NORM = `
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
    var sum = 0.0;
    for (var c = lane; c < uniforms.channels; c += ${LANES}) { sum += x[first + c]; }
    return total(vec2<f32>(sum, 0.0)).x / f32(uniforms.channels);
  }

  fn inverseOf(first : i32, lane : i32, mean : f32) -> f32 {
    var sum = 0.0;
    for (var c = lane; c < uniforms.channels; c += ${LANES}) {
      let distance = x[first + c] - mean;
      sum += distance * distance;
    }
    return inverseSqrt(total(vec2<f32>(sum, 0.0)).x / f32(uniforms.channels) + 1e-5);
  }`;

/** Threads past the last row follow to the barriers; what they read is clamped and never written. */
const ROW = `
      let row = index / ${LANES};
      let lane = index % ${LANES};
      let first = row * uniforms.channels;
      let mean = meanOf(first, lane);
      let inverse = inverseOf(first, lane, mean);`;

const EACH_CHANNEL = `for (var c = lane; c < uniforms.channels && row < uniforms.rows; c += ${LANES})`;

const NORM = { integers: ["rows", "channels", "firstGroup"], workgroupSize: THREADS };

export const LAYER_NORM: Program = {
  name: "commonweight_layer_norm",
  inputs: ["x", "weight", "bias"],
  ...NORM,
  code: `${ROW_NORM}${MAIN}${ROW}
      ${EACH_CHANNEL} {
        result[first + c] = (x[first + c] - mean) * inverse * weight[c] + bias[c];
      }
    }`,
};

/** With or without what reached x past the norm. */
export function layerNormInputGradientProgram(withResidual: boolean): Program {
  return {
    name: `commonweight_layer_norm_input_gradient_${withResidual}`,
    inputs: ["dy", "x", "weight", ...(withResidual ? ["residual"] : [])],
    ...NORM,
    code: `${ROW_NORM}${MAIN}${ROW}
        var sums = vec2<f32>(0.0); // of g = dy · weight, and of g times the normalised x
        for (var c = lane; c < uniforms.channels; c += ${LANES}) {
          let g = dy[first + c] * weight[c];
          sums += vec2<f32>(g, g * (x[first + c] - mean) * inverse);
        }
        let means = total(sums) / f32(uniforms.channels);
        ${EACH_CHANNEL} {
          let normal = (x[first + c] - mean) * inverse;
          let d = inverse * (dy[first + c] * weight[c] - means.x - normal * means.y);
          result[first + c] = d${withResidual ? " + residual[first + c]" : ""};
        }
      }`,
  };
}

/** tanh's argument is held where f32's tanh is ±1 anyway: some drivers overflow beyond. */
const GELU_TANH = `
  fn geluTanh(u : f32) -> f32 {
    return tanh(clamp(0.7978845608028654 * (u + 0.044715 * u * u * u), -10.0, 10.0));
  }`;

const ELEMENTS_A_THREAD = 4; // keeps a long text's groups under WebGPU's 65,535
const ELEMENT_COST = 24; // multiply-adds of a tanh and what is around it

/** How many workgroups GELUs of `size` elements take, and the multiply-adds of one. */
export function geluGroups(size: number): { groups: number; groupCost: number } {
  const each = THREADS * ELEMENTS_A_THREAD;
  return { groups: Math.ceil(size / each), groupCost: each * ELEMENT_COST };
}

/** The loop of a thread over its elements, neighbours in neighbouring threads. */
const eachElement = (body: string) => `
      let first = (index / ${THREADS}) * ${THREADS * ELEMENTS_A_THREAD} + i32(localIndex);
      for (var step = 0; step < ${ELEMENTS_A_THREAD}; step++) {
        let at = first + step * ${THREADS};
        if (at >= uniforms.elements) { return; }
        ${body}
      }`;

export const GELU: Program = {
  name: "commonweight_gelu",
  inputs: ["x"],
  integers: ["elements", "firstGroup"],
  workgroupSize: THREADS,
  code: `${GELU_TANH}${MAIN}${eachElement("result[at] = 0.5 * x[at] * (1.0 + geluTanh(x[at]));")}
    }`,
};

export const GELU_INPUT_GRADIENT: Program = {
  name: "commonweight_gelu_input_gradient",
  inputs: ["dy", "x"],
  integers: ["elements", "firstGroup"],
  workgroupSize: THREADS,
  code: `${GELU_TANH}${MAIN}${eachElement(`
        let u = x[at];
        let t = geluTanh(u);
        let inner = 0.7978845608028654 * (1.0 + 0.134145 * u * u);
        result[at] = dy[at] * (0.5 * (1.0 + t) + 0.5 * u * (1.0 - t * t) * inner);`)}
    }`,
};
