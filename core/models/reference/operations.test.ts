import { expect, test } from "vitest";
import {
  differences,
  dot,
  expectClose,
  randomTokens,
  randomValues,
} from "../../../tests/reference/finite-differences.ts";
import { geluBackward, referenceGelu, referenceSwiglu, swigluBackward } from "./activation.ts";
import { attentionBackward, referenceAttention, turnHeads } from "./attention.ts";
import { crossEntropyBackward, referenceCrossEntropy } from "./cross-entropy.ts";
import { lookup, scatterAdd } from "./embedding.ts";
import {
  linearWeightGradient,
  referenceColumnSums,
  referenceLinear,
  referenceLinearInputGradient,
  sampledGradient,
  squaredGradientSums,
} from "./linear.ts";
import { normBackward, referenceNorm } from "./norm.ts";

test.each([
  [1, 1, 1],
  [1, 5, 3],
  [7, 3, 9],
])("linear over %i rows, %i → %i: each gradient equals its finite differences", (R, I, O) => {
  const x = randomValues("x", R * I);
  const weight = randomValues("weight", I * O);
  const bias = randomValues("bias", O);
  const dy = randomValues("dy", R * O);
  const size = { inputs: I, outputs: O };
  const loss = () => dot(referenceLinear(x, weight, bias, size), dy);
  expectClose("dx", referenceLinearInputGradient(dy, weight, size), differences(x, loss));
  expectClose("dweight", linearWeightGradient(x, dy, size), differences(weight, loss));
  expectClose("dbias", referenceColumnSums(dy, O), differences(bias, loss));
});

test("a sampled gradient is the dense one at the masked positions, and empty for no positions", () => {
  const [R, I, O] = [5, 6, 7];
  const x = randomValues("x", R * I);
  const dy = randomValues("dy", R * O);
  const dense = linearWeightGradient(x, dy, { inputs: I, outputs: O });
  const positions = Uint32Array.of(0, 6, 7, 20, 41);
  const sampled = sampledGradient(x, dy, positions, { inputs: I, outputs: O });
  expectClose(
    "sampled",
    sampled,
    Float64Array.from(positions, (p) => dense[p]!),
    1e-15,
  );
  expect(sampledGradient(x, dy, new Uint32Array(), { inputs: I, outputs: O })).toHaveLength(0);
});

test("squared-gradient sums square each example's gradient before they add", () => {
  const [B, T, I, O] = [3, 2, 4, 5];
  const x = randomValues("x", B * T * I);
  const dy = randomValues("dy", B * T * O);
  const size = { inputs: I, outputs: O };
  const weight = new Float64Array(I * O); // linear in the weight, so any will do
  const sums = new Float64Array(I * O);
  for (let b = 0; b < B; b++) {
    const xb = x.slice(b * T * I, (b + 1) * T * I);
    const dyb = dy.slice(b * T * O, (b + 1) * T * O);
    const gradient = differences(weight, () => dot(referenceLinear(xb, weight, null, size), dyb));
    for (let p = 0; p < sums.length; p++) sums[p]! += gradient[p]! ** 2;
  }
  expectClose("Fisher", squaredGradientSums(x, dy, T, size), sums);
});

const LAYER = { norm: "layer", epsilon: 1e-5 } as const;
const RMS = { norm: "rms", epsilon: 1e-3 } as const;

test.each([
  [1, 2, LAYER],
  [3, 7, LAYER],
  [2, 2, RMS],
  [3, 7, RMS],
] as const)(
  "a norm of %i rows of %i, %o: each gradient equals its finite differences",
  (R, C, kind) => {
    const x = randomValues("x", R * C);
    const weight = randomValues("weight", C);
    const bias = kind.norm === "layer" ? randomValues("bias", C) : null;
    const dy = randomValues("dy", R * C);
    const loss = () => dot(referenceNorm(x, weight, bias, kind), dy);
    const gradient = normBackward(x, weight, dy, kind);
    expectClose("dx", gradient.x, differences(x, loss));
    expectClose("dweight", gradient.weight, differences(weight, loss));
    if (bias !== null) expectClose("dbias", gradient.bias, differences(bias, loss));
  },
);

test("a layer norm of a constant row is the bias, of a single channel too", () => {
  const bias = Float64Array.of(2, 3, 4);
  expect(referenceNorm(Float64Array.of(9, 9, 9), Float64Array.of(1, 1, 1), bias, LAYER)).toEqual(
    bias,
  );
  const one = referenceNorm(Float64Array.of(9), Float64Array.of(1), Float64Array.of(5), LAYER);
  expect(one).toEqual(Float64Array.of(5));
});

test.each(["tanh", "exact"] as const)(
  "GELU, %s: the gradient equals its finite differences, also far from 0",
  (form) => {
    const x = randomValues("x", 20, 6);
    const dy = randomValues("dy", x.length);
    const numeric = differences(x, () => dot(referenceGelu(x, { form }), dy));
    expectClose("dx", geluBackward(x, dy, { form }), numeric);
  },
);

test("SwiGLU: both gradients equal their finite differences, also far from 0", () => {
  const [gate, up] = [randomValues("gate", 20, 9), randomValues("up", 20)];
  const dy = randomValues("dy", 20);
  const loss = () => dot(referenceSwiglu(gate, up), dy);
  const gradient = swigluBackward(gate, up, dy);
  expectClose("dgate", gradient.gate, differences(gate, loss));
  expectClose("dup", gradient.up, differences(up, loss));
});

test("GELU has the values of GPT-2's gelu_new, and of PyTorch's gelu", () => {
  const x = Float64Array.of(-3, -1, 0, 1, 3);
  // 0.5·u·(1 + tanh(√(2/π)·(u + 0.044715·u³))) and 0.5·u·(1 + erf(u/√2)), worked out in Python
  const tanh = [-0.00363739, -0.15880801, 0, 0.84119199, 2.99636261];
  const exact = [-0.00404969409489031, -0.158655253931457, 0, 0.841344746068543, 2.99595030590511];
  expectClose("tanh", referenceGelu(x, { form: "tanh" }), tanh, 1e-8);
  expectClose("exact", referenceGelu(x, { form: "exact" }), exact, 1e-14);
});

test.each([
  { batch: 1, time: 1, heads: 1, keyValueHeads: 1, headChannels: 3, causal: true },
  { batch: 1, time: 5, heads: 2, keyValueHeads: 2, headChannels: 3, causal: true },
  { batch: 2, time: 4, heads: 6, keyValueHeads: 2, headChannels: 2, causal: true },
  { batch: 2, time: 3, heads: 2, keyValueHeads: 1, headChannels: 2, causal: false },
])(
  "attention with $batch × $time, $heads heads on $keyValueHeads, causal $causal: the gradient equals its finite differences",
  (shape) => {
    const rows = shape.batch * shape.time;
    const width = (shape.heads + 2 * shape.keyValueHeads) * shape.headChannels;
    const qkv = randomValues("qkv", rows * width, 2);
    const dy = randomValues("dy", rows * shape.heads * shape.headChannels);
    const numeric = differences(qkv, () => dot(referenceAttention(qkv, shape), dy));
    expectClose("dqkv", attentionBackward(qkv, dy, shape), numeric);
  },
);

test("causal attention sees nothing that comes later", () => {
  const sizes = { batch: 1, time: 4, heads: 1, keyValueHeads: 1, headChannels: 2 };
  const shape = { ...sizes, causal: true };
  const qkv = randomValues("qkv", 4 * 6);
  const before = referenceAttention(qkv, shape);
  qkv.fill(7, 2 * 6); // times 2 and 3
  expect(referenceAttention(qkv, shape).slice(0, 4)).toEqual(before.slice(0, 4));
  expect(before.slice(0, 2)).toEqual(qkv.slice(4, 6)); // the first sees only its own value
});

test("turned heads keep their length, and turn back", () => {
  const sizes = { time: 3, heads: 2, headChannels: 4 };
  const angles = Float64Array.from({ length: 12 }, (_, i) =>
    i % 4 < 2 ? Math.cos(i % 2) : Math.sin(i % 2),
  );
  const x = randomValues("x", 24);
  const turned = turnHeads(x, angles, sizes, 1);
  expect(dot(turned, turned)).toBeCloseTo(dot(x, x), 12);
  expectClose("back", turnHeads(turned, angles, sizes, -1), x, 1e-14);
});

test.each([
  [1, 2],
  [3, 257],
])("cross-entropy of %i rows over %i: the gradient equals its finite differences", (R, V) => {
  const logits = randomValues("logits", R * V, 3);
  const targets = randomTokens("targets", R, V);
  const dlosses = randomValues("dlosses", R);
  const numeric = differences(logits, () => dot(referenceCrossEntropy(logits, targets), dlosses));
  expectClose("dlogits", crossEntropyBackward(logits, targets, dlosses), numeric);
});

test("cross-entropy of equal logits is log V, and huge logits overflow nothing", () => {
  expectClose("even", referenceCrossEntropy(new Float64Array(256), [3]), [Math.log(256)], 1e-12);
  expectClose("huge", referenceCrossEntropy(Float64Array.of(1e4, 0), [1]), [1e4], 1e-12);
});

test("lookup takes rows, and its gradient adds a row up as often as a token occurs", () => {
  const [V, C] = [4, 3];
  const tokens = Int32Array.of(2, 0, 2, 2);
  const table = randomValues("table", V * C);
  const dy = randomValues("dy", tokens.length * C);
  const numeric = differences(table, () => dot(lookup(table, tokens, C), dy));
  expectClose("dtable", scatterAdd(dy, tokens, { vocabulary: V, channels: C }), numeric);
});
