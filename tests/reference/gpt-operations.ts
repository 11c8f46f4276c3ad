import { type Tensor, tensor, zeros } from "@tensorflow/tfjs-core";
import {
  causalAttention,
  causalAttentionGradient,
  embed,
  gelu,
  geluInputGradient,
  layerNorm,
  layerNormInputGradient,
  sampledEmbeddingInto,
  sampledNormInto,
} from "../../core/models/gpt-operations.ts";
import {
  linear,
  linearInputGradient,
  linearWithResidual,
  sampledLinearInto,
} from "../../core/models/operations.ts";
import * as attention from "../../core/models/reference/attention.ts";
import * as embedding from "../../core/models/reference/embedding.ts";
import * as geluReference from "../../core/models/reference/gelu.ts";
import * as norm from "../../core/models/reference/layer-norm.ts";
import * as matrix from "../../core/models/reference/linear.ts";
import { sum } from "../../core/models/reference/tensors.ts";
import { expectClose, randomTokens, randomValues } from "./finite-differences.ts";

// R rows, T time, C channels, V vocabulary

const F32 = 2e-6; // sums of some hundred f32 products, relative to the largest value

const TANH = 1e-5; // the absolute error that WGSL allows tanh

/** Odd on purpose: single rows, single channels, nothing a multiple of 4 but once. */
const SHAPES = [
  { batch: 1, time: 1, channels: 3, heads: 1 },
  { batch: 2, time: 5, channels: 6, heads: 2 },
  { batch: 3, time: 37, channels: 21, heads: 3 },
  { batch: 1, time: 65, channels: 64, heads: 2 },
];

/** Compare every operation of the GPT on the open backend with its f64 reference. */
export async function compareGptOperations(): Promise<void> {
  for (const shape of SHAPES) {
    await compareAttention(shape);
    await compareRows(shape.batch * shape.time, shape.channels);
  }
  await compareEmbedding();
  await compareConv();
}

async function compareAttention(shape: attention.AttentionShape): Promise<void> {
  const { batch, time, channels: C, heads } = shape;
  const R = batch * time;
  const qkv = rounded(randomValues("qkv", R * 3 * C, 2));
  const dy = rounded(randomValues("dy", R * C));
  const onDevice = upload(qkv, [R, 3 * C]);
  const { mixed, logSums } = causalAttention(onDevice, { time, heads });
  const dqkv = causalAttentionGradient(upload(dy, [R, C]), onDevice, mixed, logSums, {
    time,
    heads,
  });
  const what = `attention ${batch} × ${time} × ${C}, ${heads} heads`;
  await same(what, mixed, attention.causalAttention(qkv, shape));
  await same(`${what}: dqkv`, dqkv, attention.causalAttentionBackward(qkv, dy, shape));
}

async function compareRows(R: number, C: number): Promise<void> {
  const x = rounded(randomValues("x", R * C, 3));
  const dy = rounded(randomValues("dy", R * C));
  const residual = rounded(randomValues("residual", R * C));
  const weight = rounded(randomValues("weight", C));
  const bias = rounded(randomValues("bias", C));
  const [xOn, dyOn, weightOn] = [upload(x, [R, C]), upload(dy, [R, C]), upload(weight, [C])];
  const what = `${R} × ${C}`;
  const y = layerNorm(xOn, weightOn, upload(bias, [C]));
  await same(`layer norm ${what}`, y, norm.layerNorm(x, weight, bias));
  const expected = norm.layerNormBackward(x, weight, dy);
  const dx = layerNormInputGradient(dyOn, xOn, weightOn, null);
  await same(`layer norm ${what}: dx`, dx, expected.x);
  const withResidual = layerNormInputGradient(dyOn, xOn, weightOn, upload(residual, [R, C]));
  await same(`layer norm ${what}: dx + residual`, withResidual, sum(expected.x, residual));
  const columns = Int32Array.from({ length: 2 * C }, (_, entry) => entry % C);
  for (const second of [C, 0]) {
    const gradient = zeros([2 * C]);
    const pair = { start: 0, first: C, second };
    sampledNormInto(gradient, xOn, dyOn, tensor(columns, [2 * C], "int32"), pair);
    const both = Float64Array.of(...expected.bias, ...expected.weight).fill(0, C + second);
    await same(`layer norm ${what}: dbias, ${second} of dweight`, gradient, both);
  }

  const none = new Float64Array(C);
  await same(`gelu ${what}`, gelu(xOn), geluReference.geluWithBias(x, none), TANH);
  const dgelu = geluReference.geluWithBiasBackward(x, none, dy).x;
  await same(`gelu ${what}: dx`, geluInputGradient(dyOn, xOn), dgelu, TANH);
}

async function compareEmbedding(): Promise<void> {
  const [batch, T, C, V] = [3, 5, 7, 257];
  const R = batch * T;
  const tokens = randomTokens("tokens", R, V);
  tokens.fill(V - 1, 0, 4); // one token often
  const wte = rounded(randomValues("wte", V * C));
  const wpe = rounded(randomValues("wpe", T * C));
  const dx = rounded(randomValues("dx", R * C));
  const tokensOn = tensor(tokens, [R], "int32");
  const x = embed(tokensOn, upload(wte, [V, C]), upload(wpe, [T, C]), { time: T });
  const times = Int32Array.from({ length: R }, (_, r) => r % T);
  const expected = sum(embedding.lookup(wte, tokens, C), embedding.lookup(wpe, times, C));
  await same("embedding", x, expected);

  const normal = rounded(randomValues("normal", R * C));
  const dlogits = rounded(randomValues("dlogits", R * V));
  const asOutput = matrix.linearWeightGradient(dlogits, normal, { inputs: V, outputs: C }); // [V, C]
  const dwte = sum(asOutput, embedding.scatterAdd(dx, tokens, { vocabulary: V, channels: C }));
  const dwpe = embedding.scatterAdd(dx, times, { vocabulary: T, channels: C });
  const inWpe = [0, C - 1, C, T * C - 1];
  const inWte = [0, (V - 1) * C, (V - 1) * C + 3, V * C - 1, tokens[7]! * C + 2];
  const pairs = [
    { start: 1, first: inWpe.length, second: inWte.length },
    { start: 1, first: inWpe.length, second: 0 },
    { start: 1 + inWpe.length, first: 0, second: inWte.length },
  ];
  const positions = Int32Array.of(0, ...inWpe, ...inWte);
  const [normalOn, dlogitsOn] = [upload(normal, [R, C]), upload(dlogits, [R, V])];
  const at = { tokens: tokensOn, time: T, dx: upload(dx, [R, C]), normal: normalOn };
  for (const pair of pairs) {
    const gradient = zeros([positions.length]);
    const positionsOn = tensor(positions, [positions.length], "int32");
    sampledEmbeddingInto(gradient, { ...at, dlogits: dlogitsOn }, positionsOn, pair);
    const all = [0, ...inWpe.map((p) => dwpe[p]!), ...inWte.map((p) => dwte[p]!)];
    const last = pair.start + pair.first + pair.second;
    const wanted = all.map((value, j) => (j >= pair.start && j < last ? value : 0));
    await same("sampled embeddings", gradient, Float64Array.from(wanted));
  }
}

/** The linear operations in GPT-2's orientation, as its sizes use them. */
async function compareConv(): Promise<void> {
  const [R, I, O] = [33, 5, 15];
  const size = { inputs: I, outputs: O };
  const x = rounded(randomValues("x", R * I));
  const dy = rounded(randomValues("dy", R * O));
  const weight = rounded(randomValues("weight", I * O));
  const bias = rounded(randomValues("bias", O));
  const [xOn, dyOn, weightOn] = [upload(x, [R, I]), upload(dy, [R, O]), upload(weight, [I, O])];
  const y = linear(xOn, weightOn, upload(bias, [O]), { orientation: "in-out", relu: false });
  await same("Conv1D", y, matrix.linear(x, weight, bias, size));
  const dx = linearInputGradient(dyOn, weightOn, null, { orientation: "in-out" });
  await same("Conv1D: dx", dx, matrix.linearInputGradient(dy, weight, size));
  const residual = rounded(randomValues("residual", R * O));
  const given = [upload(residual, [R, O]), xOn, weightOn, upload(bias, [O])] as const;
  const summed = linearWithResidual(...given, { orientation: "in-out" });
  await same("Conv1D with residual", summed, sum(residual, matrix.linear(x, weight, bias, size)));
  const [inBias, inWeight] = [Uint32Array.of(0, 3, 14), Uint32Array.of(0, 14, 15, 40, 74)];
  const gradient = zeros([8]);
  const at = tensor(Int32Array.of(...inBias, ...inWeight), [8], "int32");
  const pair = { start: 0, first: 3, second: 5, orientation: "in-out" } as const;
  sampledLinearInto(gradient, xOn, dyOn, at, pair);
  const sums = matrix.columnSums(dy, O);
  const sampled = matrix.sampledGradient(x, dy, inWeight, size);
  const both = Float64Array.of(...Array.from(inBias, (o) => sums[o]!), ...sampled);
  await same("Conv1D: sampled", gradient, both);
}

function upload(values: Float64Array, shape: number[]): Tensor {
  return tensor(Float32Array.from(values), shape);
}

/** The nearest f32 values, so that both sides start from the same numbers. */
export function rounded(values: Float64Array): Float64Array {
  return values.map(Math.fround);
}

async function same(
  what: string,
  actual: Tensor,
  expected: Float64Array,
  tolerance = F32,
): Promise<void> {
  expectClose(what, await actual.data(), expected, tolerance);
}
