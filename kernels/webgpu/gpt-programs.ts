import type { Program } from "./program.ts";
import { THREADS } from "./programs.ts";

// R rows, C channels

/** One thread an element of x [R, C]. */
export const EMBED: Program = {
  name: "commonweight_embed",
  inputs: ["tokens", "wte", "wpe"],
  integers: ["elements", "channels", "time"],
  workgroupSize: THREADS,
  code: `
    fn main(index : i32) {
      if (index >= uniforms.elements) { return; }
      let row = index / uniforms.channels;
      let c = index % uniforms.channels;
      let t = row % uniforms.time;
      result[index] = wte[tokens[row] * uniforms.channels + c] + wpe[t * uniforms.channels + c];
    }`,
};

/** One thread an entry; `result` is the gradient, to which the rows of the entry's token are added in order. */
export const SAMPLED_SCATTER_ADD: Program = {
  name: "commonweight_sampled_scatter_add",
  inputs: ["dx", "tokens", "positions"],
  integers: ["rows", "channels", "start", "count"],
  workgroupSize: THREADS,
  code: `
    fn main(index : i32) {
      if (index >= uniforms.count) { return; }
      let entry = uniforms.start + index;
      let token = positions[entry] / uniforms.channels;
      let c = positions[entry] % uniforms.channels;
      var sum = 0.0;
      for (var row = 0; row < uniforms.rows; row++) {
        if (tokens[row] == token) { sum += dx[row * uniforms.channels + c]; }
      }
      result[entry] += sum;
    }`,
};

/** One group a row: its mean, 1 / √(variance + ε), and sums over the group in a fixed order. */
const ROW_NORM = `
  var<workgroup> partial : array<f32, ${THREADS}>;

  fn total(value : f32) -> f32 {
    let thread = i32(localIndex);
    partial[thread] = value;
    workgroupBarrier();
    for (var half = ${THREADS / 2}; half > 0; half /= 2) {
      if (thread < half) { partial[thread] += partial[thread + half]; }
      workgroupBarrier();
    }
    let sum = partial[0];
    workgroupBarrier();
    return sum;
  }

  fn meanOf(first : i32) -> f32 {
    var sum = 0.0;
    for (var c = i32(localIndex); c < uniforms.channels; c += ${THREADS}) { sum += x[first + c]; }
    return total(sum) / f32(uniforms.channels);
  }

  fn inverseOf(first : i32, mean : f32) -> f32 {
    var sum = 0.0;
    for (var c = i32(localIndex); c < uniforms.channels; c += ${THREADS}) {
      let distance = x[first + c] - mean;
      sum += distance * distance;
    }
    return inverseSqrt(total(sum) / f32(uniforms.channels) + 1e-5);
  }`;

const ROW = `
      let first = (index / ${THREADS}) * uniforms.channels;
      let mean = meanOf(first);
      let inverse = inverseOf(first, mean);`;

export const LAYER_NORM: Program = {
  name: "commonweight_layer_norm",
  inputs: ["x", "weight", "bias"],
  integers: ["channels"],
  workgroupSize: THREADS,
  code: `${ROW_NORM}
    fn main(index : i32) {${ROW}
      for (var c = i32(localIndex); c < uniforms.channels; c += ${THREADS}) {
        result[first + c] = (x[first + c] - mean) * inverse * weight[c] + bias[c];
      }
    }`,
};

export const LAYER_NORM_WEIGHT_TERMS: Program = {
  name: "commonweight_layer_norm_weight_terms",
  inputs: ["dy", "x"],
  integers: ["channels"],
  workgroupSize: THREADS,
  code: `${ROW_NORM}
    fn main(index : i32) {${ROW}
      for (var c = i32(localIndex); c < uniforms.channels; c += ${THREADS}) {
        result[first + c] = dy[first + c] * (x[first + c] - mean) * inverse;
      }
    }`,
};

/** With or without what reached x past the norm. */
export function layerNormInputGradientProgram(withResidual: boolean): Program {
  return {
    name: `commonweight_layer_norm_input_gradient_${withResidual}`,
    inputs: ["dy", "x", "weight", ...(withResidual ? ["residual"] : [])],
    integers: ["channels"],
    workgroupSize: THREADS,
    code: `${ROW_NORM}
      fn main(index : i32) {${ROW}
        var sumG = 0.0;
        var sumGN = 0.0;
        for (var c = i32(localIndex); c < uniforms.channels; c += ${THREADS}) {
          let g = dy[first + c] * weight[c];
          sumG += g;
          sumGN += g * (x[first + c] - mean) * inverse;
        }
        let meanG = total(sumG) / f32(uniforms.channels);
        let meanGN = total(sumGN) / f32(uniforms.channels);
        for (var c = i32(localIndex); c < uniforms.channels; c += ${THREADS}) {
          let normal = (x[first + c] - mean) * inverse;
          let d = inverse * (dy[first + c] * weight[c] - meanG - normal * meanGN);
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

export const ELEMENTS_A_THREAD = 4; // keeps a long text's groups under WebGPU's 65,535

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
  integers: ["elements"],
  workgroupSize: THREADS,
  code: `${GELU_TANH}
    fn main(index : i32) {${eachElement("result[at] = 0.5 * x[at] * (1.0 + geluTanh(x[at]));")}
    }`,
};

export const GELU_INPUT_GRADIENT: Program = {
  name: "commonweight_gelu_input_gradient",
  inputs: ["dy", "x"],
  integers: ["elements"],
  workgroupSize: THREADS,
  code: `${GELU_TANH}
    fn main(index : i32) {${eachElement(`
        let u = x[at];
        let t = geluTanh(u);
        let inner = 0.7978845608028654 * (1.0 + 0.134145 * u * u);
        result[at] = dy[at] * (0.5 * (1.0 + t) + 0.5 * u * (1.0 - t * t) * inner);`)}
    }`,
};
