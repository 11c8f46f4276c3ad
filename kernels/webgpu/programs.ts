import type { Program } from "./program.ts";

/** Threads of a workgroup where each thread works alone. */
export const THREADS = 64;

/** Begins a program that `runInParts` runs: `index` counts threads through the groups of all dispatches. */
export const MAIN = `
    fn main(thread : i32) {
      let index = thread + uniforms.firstGroup * ${THREADS};`;

/** Multiply-adds that one logit costs a thread, its exponentials among them, in the dearest of the programs. */
export const LOGIT_COST = 24;

/** Loads one row's largest logit and the sum of exp(logit − largest). */
const ROW_SOFTMAX = `
  fn largestOf(row : i32) -> f32 {
    var most = logits[row * uniforms.classes];
    for (var c = 1; c < uniforms.classes; c++) { most = max(most, logits[row * uniforms.classes + c]); }
    return most;
  }
  fn sumOf(row : i32, most : f32) -> f32 {
    var sum = 0.0;
    for (var c = 0; c < uniforms.classes; c++) { sum += exp(logits[row * uniforms.classes + c] - most); }
    return sum;
  }
  fn lossOf(row : i32, most : f32) -> f32 {
    return log(sumOf(row, most)) + most - logits[row * uniforms.classes + targets[row]];
  }`;

const LOGITS = { inputs: ["logits", "targets"], integers: ["rows", "classes", "firstGroup"] };

/** One thread a row: the loss. */
export const CROSS_ENTROPY_LOSSES: Program = {
  name: "commonweight_cross_entropy_losses",
  ...LOGITS,
  workgroupSize: THREADS,
  code: `${ROW_SOFTMAX}${MAIN}
      if (index < uniforms.rows) { result[index] = lossOf(index, largestOf(index)); }
    }`,
};

/** One thread a row: the gradient of the loss, times what the row weighs. */
export const CROSS_ENTROPY_GRADIENT: Program = {
  name: "commonweight_cross_entropy_gradient",
  inputs: [...LOGITS.inputs, "weights"],
  integers: LOGITS.integers,
  workgroupSize: THREADS,
  code: `${ROW_SOFTMAX}${MAIN}
      if (index >= uniforms.rows) { return; }
      let most = largestOf(index);
      let sum = sumOf(index, most);
      for (var c = 0; c < uniforms.classes; c++) {
        let at = index * uniforms.classes + c;
        let hit = select(0.0, 1.0, c == targets[index]);
        result[at] = (exp(logits[at] - most) / sum - hit) * weights[index];
      }
    }`,
};

/** One thread a row: the loss, and whether the first of the largest logits is the target's. */
export const SCORE_LOGITS: Program = {
  name: "commonweight_score_logits",
  ...LOGITS,
  workgroupSize: THREADS,
  code: `${ROW_SOFTMAX}${MAIN}
      if (index >= uniforms.rows) { return; }
      let most = largestOf(index);
      var answer = 0;
      while (logits[index * uniforms.classes + answer] < most) { answer++; }
      result[index] = lossOf(index, most);
      result[uniforms.rows + index] = select(0.0, 1.0, answer == targets[index]);
    }`,
};

/** One thread in all: a batch has few losses, and a fixed order keeps the sum the same. */
export const LOSS: Program = {
  name: "commonweight_loss",
  inputs: ["losses", "weights"],
  integers: ["length", "slot"],
  workgroupSize: 1,
  code: `
    fn main(index : i32) {
      var sum = 0.0;
      for (var at = 0; at < uniforms.length; at++) { sum += weights[at] * losses[at]; }
      result[uniforms.slot] = sum;
    }`,
};

/** One thread an entry; `result` is the state: delta, first and second moment [3, entries]. */
export const ADAMW = {
  name: "commonweight_adamw",
  inputs: ["gradient", "base"],
  integers: ["entries"],
  floats: [
    "learningRate",
    "beta1",
    "beta2",
    "epsilon",
    "weightDecay",
    "correction1",
    "correction2",
  ],
  workgroupSize: THREADS,
  code: `
    fn main(index : i32) {
      if (index >= uniforms.entries) { return; }
      let g = gradient[index];
      let atM = uniforms.entries + index;
      let atV = 2 * uniforms.entries + index;
      let m = uniforms.beta1 * result[atM] + (1.0 - uniforms.beta1) * g;
      let v = uniforms.beta2 * result[atV] + (1.0 - uniforms.beta2) * g * g;
      let step = m / uniforms.correction1 / (sqrt(v / uniforms.correction2) + uniforms.epsilon);
      let delta = result[index];
      result[index] = delta - uniforms.learningRate * (step + uniforms.weightDecay * (base[index] + delta));
      result[atM] = m;
      result[atV] = v;
    }`,
} as const satisfies Program;

/** One thread an entry; `result` is the weight. */
export const APPLY_DELTA: Program = {
  name: "commonweight_apply_delta",
  inputs: ["state", "base", "positions"],
  integers: ["start", "count", "offset"],
  workgroupSize: THREADS,
  code: `
    fn main(index : i32) {
      if (index >= uniforms.count) { return; }
      let entry = uniforms.start + index;
      result[positions[entry] - uniforms.offset] = base[entry] + state[entry];
    }`,
};
