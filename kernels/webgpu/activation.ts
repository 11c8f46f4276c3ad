import { ERF_P, ERF_TERMS } from "../parts/activation.ts";
import { type Body, eachElement, elementsOf, take } from "./body.ts";
import { runInParts } from "./dispatch-limit.ts";
import type { Program } from "./program.ts";
import { MAIN, THREADS } from "./programs.ts";

const COST = 24; // multiply-adds of an exponential and what is around it

/** tanh's argument is held where f32's tanh is ±1 anyway: some drivers overflow beyond. */
const TANH = `
  fn shareOf(u : f32) -> f32 {
    let v = clamp(0.7978845608028654 * (u + 0.044715 * u * u * u), -10.0, 10.0);
    return 0.5 * (1.0 + tanh(v));
  }
  fn slopeOf(u : f32, share : f32) -> f32 {
    return 2.0 * share * (1.0 - share) * 0.7978845608028654 * (1.0 + 0.134145 * u * u);
  }`;

/** The normal distribution below u by a polynomial, as the plain body has it. */
const EXACT = `
  fn shareOf(u : f32) -> f32 {
    let z = abs(u) * ${Math.SQRT1_2};
    let t = 1.0 / (1.0 + ${ERF_P} * z);
    let terms = ${ERF_TERMS.reduceRight((sum, term) => `(${sum}) * t + ${term}`, "0.0")};
    let beyond = 0.5 * exp(-z * z) * t * (terms);
    return select(1.0 - beyond, beyond, u < 0.0);
  }
  fn slopeOf(u : f32, share : f32) -> f32 {
    return ${1 / Math.sqrt(2 * Math.PI)} * exp(-0.5 * u * u);
  }`;

/** Held where f32's silu is 0 anyway: some drivers overflow beyond. */
const SIGMOID = `
  fn sigmoid(u : f32) -> f32 { return 1.0 / (1.0 + exp(-max(u, -80.0))); }`;

const program = (name: string, inputs: string[], functions: string, body: string): Program => ({
  name: `commonweight_${name}`,
  inputs,
  integers: ["elements", "firstGroup"],
  workgroupSize: THREADS,
  code: `${functions}${MAIN}${eachElement(body)}
    }`,
});

const GELU_BODY = "result[at] = x[at] * shareOf(x[at]);";
const GELU_GRADIENT_BODY = `
        let u = x[at];
        let share = shareOf(u);
        result[at] = dy[at] * (share + u * slopeOf(u, share));`;

const GELU = {
  tanh: program("gelu_tanh", ["x"], TANH, GELU_BODY),
  exact: program("gelu_exact", ["x"], EXACT, GELU_BODY),
};
const GELU_GRADIENT = {
  tanh: program("gelu_tanh_gradient", ["dy", "x"], TANH, GELU_GRADIENT_BODY),
  exact: program("gelu_exact_gradient", ["dy", "x"], EXACT, GELU_GRADIENT_BODY),
};
const SWIGLU = program(
  "swiglu",
  ["gate", "up"],
  SIGMOID,
  "result[at] = gate[at] * sigmoid(gate[at]) * up[at];",
);
const SWIGLU_GATE = program(
  "swiglu_gate_gradient",
  ["dy", "gate", "up"],
  SIGMOID,
  `
        let u = gate[at];
        let share = sigmoid(u);
        result[at] = dy[at] * up[at] * share * (1.0 + u * (1.0 - share));`,
);
const SWIGLU_UP = program(
  "swiglu_up_gradient",
  ["dy", "gate"],
  SIGMOID,
  "result[at] = dy[at] * gate[at] * sigmoid(gate[at]);",
);

export const ACTIVATION_BODIES: Readonly<Record<string, Body>> = {
  Gelu: (backend, inputs, { form }) => {
    const [x] = take(inputs, "x");
    const y = backend.makeTensorInfo(x.shape, "float32");
    const chosen = form === "exact" ? GELU.exact : GELU.tanh;
    runInParts(backend, chosen, { output: y, inputs: [x], ...elementsOf(x, COST) });
    return y;
  },

  GeluInputGradient: (backend, inputs, { form }) => {
    const [dy, x] = take(inputs, "dy", "x");
    const dx = backend.makeTensorInfo(x.shape, "float32");
    const chosen = form === "exact" ? GELU_GRADIENT.exact : GELU_GRADIENT.tanh;
    runInParts(backend, chosen, { output: dx, inputs: [dy, x], ...elementsOf(x, COST) });
    return dx;
  },

  Swiglu: (backend, inputs) => {
    const [gate, up] = take(inputs, "gate", "up");
    const y = backend.makeTensorInfo(gate.shape, "float32");
    runInParts(backend, SWIGLU, { output: y, inputs: [gate, up], ...elementsOf(gate, COST) });
    return y;
  },

  SwigluGradient: (backend, inputs) => {
    const [dy, gate, up] = take(inputs, "dy", "gate", "up");
    const [dgate, dup] = [
      backend.makeTensorInfo(gate.shape, "float32"),
      backend.makeTensorInfo(gate.shape, "float32"),
    ];
    const size = elementsOf(gate, COST);
    runInParts(backend, SWIGLU_GATE, { output: dgate, inputs: [dy, gate, up], ...size });
    runInParts(backend, SWIGLU_UP, { output: dup, inputs: [dy, gate], ...size });
    return [dgate, dup];
  },
};
