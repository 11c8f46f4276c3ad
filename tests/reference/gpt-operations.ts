import { type Tensor, tensor, zeros } from "@tensorflow/tfjs-core";
import {
  causalAttention,
  causalAttentionGradient,
  embed,
  gelu,
  geluInputGradient,
  layerNorm,
  layerNormInputGradient,
  layerNormWeightTerms,
  sampledScatterAddInto,
} from "../../core/models/gpt-operations.ts";
import { linear, linearInputGradient, sampledGradientInto } from "../../core/models/operations.ts";
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
  const terms = Float64Array.from(await layerNormWeightTerms(dyOn, xOn).data());
  expectClose(`layer norm ${what}: dweight`, matrix.columnSums(terms, C), expected.weight, F32);

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

  const dwte = embedding.scatterAdd(dx, tokens, { vocabulary: V, channels: C });
  const positions = Int32Array.of(0, (V - 1) * C, (V - 1) * C + 3, V * C - 1, tokens[7]! * C + 2);
  const before = rounded(randomValues("before", positions.length));
  const gradient = upload(before, [positions.length]);
  const part = { start: 1, count: 4 };
  const at = tensor(positions, [positions.length], "int32");
  sampledScatterAddInto(gradient, upload(dx, [R, C]), tokensOn, at, part);
  const sums = before.map((value, j) => (j === 0 ? value : value + dwte[positions[j]!]!));
  await same("sampled scatter-add", gradient, sums);
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
  const positions = Uint32Array.of(0, 14, 15, 40, 74);
  const gradient = zeros([5]);
  const at = tensor(Int32Array.from(positions), [5], "int32");
  const part = { start: 0, count: 5, orientation: "in-out" } as const;
  sampledGradientInto(gradient, xOn, dyOn, at, part);
  await same("Conv1D: sampled", gradient, matrix.sampledGradient(x, dy, positions, size));
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
