import { expect, test } from "vitest";
import {
  differences,
  dot,
  expectClose,
  randomTokens,
  randomValues,
} from "../../../tests/reference/finite-differences.ts";
import { causalAttention, causalAttentionBackward } from "./attention.ts";
import { crossEntropy, crossEntropyBackward } from "./cross-entropy.ts";
import { lookup, scatterAdd } from "./embedding.ts";
import { geluWithBias, geluWithBiasBackward } from "./gelu.ts";
import { layerNorm, layerNormBackward } from "./layer-norm.ts";
import {
  columnSums,
  linear,
  linearInputGradient,
  linearWeightGradient,
  sampledGradient,
  squaredGradientSums,
} from "./linear.ts";

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
  const loss = () => dot(linear(x, weight, bias, size), dy);
  expectClose("dx", linearInputGradient(dy, weight, size), differences(x, loss));
  expectClose("dweight", linearWeightGradient(x, dy, size), differences(weight, loss));
  expectClose("dbias", columnSums(dy, O), differences(bias, loss));
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
    const gradient = differences(weight, () => dot(linear(xb, weight, null, size), dyb));
    for (let p = 0; p < sums.length; p++) sums[p]! += gradient[p]! ** 2;
  }
  expectClose("Fisher", squaredGradientSums(x, dy, T, size), sums);
});

test.each([
  [1, 2],
  [3, 7],
])("layer norm of %i rows of %i: each gradient equals its finite differences", (R, C) => {
  const x = randomValues("x", R * C);
  const weight = randomValues("weight", C);
  const bias = randomValues("bias", C);
  const dy = randomValues("dy", R * C);
  const loss = () => dot(layerNorm(x, weight, bias), dy);
  const gradient = layerNormBackward(x, weight, dy);
  expectClose("dx", gradient.x, differences(x, loss));
  expectClose("dweight", gradient.weight, differences(weight, loss));
  expectClose("dbias", gradient.bias, differences(bias, loss));
});

test("layer norm of a constant row is the bias, of a single channel too", () => {
  const bias = Float64Array.of(2, 3, 4);
  expect(layerNorm(Float64Array.of(9, 9, 9), Float64Array.of(1, 1, 1), bias)).toEqual(bias);
  expect(layerNorm(Float64Array.of(9), Float64Array.of(1), Float64Array.of(5))).toEqual(
    Float64Array.of(5),
  );
});

test("GELU with bias: each gradient equals its finite differences, also far from 0", () => {
  const C = 5;
  const x = randomValues("x", 4 * C, 6);
  const bias = randomValues("bias", C);
  const dy = randomValues("dy", x.length);
  const loss = () => dot(geluWithBias(x, bias), dy);
  const gradient = geluWithBiasBackward(x, bias, dy);
  expectClose("dx", gradient.x, differences(x, loss));
  expectClose("dbias", gradient.bias, differences(bias, loss));
});

test("GELU has the values of GPT-2's gelu_new", () => {
  const values = geluWithBias(Float64Array.of(-3, -1, 0, 1, 3), Float64Array.of(0));
  // 0.5·u·(1 + tanh(√(2/π)·(u + 0.044715·u³))), worked out in Python
  expectClose("gelu", values, [-0.00363739, -0.15880801, 0, 0.84119199, 2.99636261], 1e-8);
});

test.each([
  { batch: 1, time: 1, channels: 3, heads: 1 },
  { batch: 1, time: 5, channels: 6, heads: 2 },
  { batch: 3, time: 4, channels: 9, heads: 3 },
])(
  "attention with $batch × $time × $channels in $heads heads: the gradient equals its finite differences",
  (shape) => {
    const size = shape.batch * shape.time * shape.channels;
    const qkv = randomValues("qkv", 3 * size, 2);
    const dy = randomValues("dy", size);
    const numeric = differences(qkv, () => dot(causalAttention(qkv, shape), dy));
    expectClose("dqkv", causalAttentionBackward(qkv, dy, shape), numeric);
  },
);

test("attention is causal: what comes later changes nothing before it", () => {
  const shape = { batch: 1, time: 4, channels: 2, heads: 1 };
  const qkv = randomValues("qkv", 4 * 6);
  const before = causalAttention(qkv, shape);
  qkv.fill(7, 2 * 6); // times 2 and 3
  expect(causalAttention(qkv, shape).slice(0, 4)).toEqual(before.slice(0, 4));
  expect(before.slice(0, 2)).toEqual(qkv.slice(4, 6)); // the first sees only its own value
});

test.each([
  [1, 2],
  [3, 257],
])("cross-entropy of %i rows over %i: the gradient equals its finite differences", (R, V) => {
  const logits = randomValues("logits", R * V, 3);
  const targets = randomTokens("targets", R, V);
  const dlosses = randomValues("dlosses", R);
  const numeric = differences(logits, () => dot(crossEntropy(logits, targets), dlosses));
  expectClose("dlogits", crossEntropyBackward(logits, targets, dlosses), numeric);
});

test("cross-entropy of equal logits is log V, and huge logits overflow nothing", () => {
  expectClose("even", crossEntropy(new Float64Array(256), [3]), [Math.log(256)], 1e-12);
  expectClose("huge", crossEntropy(Float64Array.of(1e4, 0), [1]), [1e4], 1e-12);
});

test("lookup takes rows, and its gradient adds a row up as often as a token occurs", () => {
  const [V, C] = [4, 3];
  const tokens = Int32Array.of(2, 0, 2, 2);
  const table = randomValues("table", V * C);
  const dy = randomValues("dy", tokens.length * C);
  const numeric = differences(table, () => dot(lookup(table, tokens, C), dy));
  expectClose("dtable", scatterAdd(dy, tokens, { vocabulary: V, channels: C }), numeric);
});
