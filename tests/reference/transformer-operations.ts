import { add, type Tensor, tensor, zeros } from "@tensorflow/tfjs-core";
import {
  linear,
  linearInputGradient,
  linearWithResidual,
  sampledLinearInto,
} from "../../core/models/operations.ts";
import * as activation from "../../core/models/reference/activation.ts";
import * as attentionReference from "../../core/models/reference/attention.ts";
import * as embedding from "../../core/models/reference/embedding.ts";
import * as matrix from "../../core/models/reference/linear.ts";
import * as normReference from "../../core/models/reference/norm.ts";
import { sum } from "../../core/models/reference/tensors.ts";
import {
  attention,
  attentionGradient,
  embed,
  gelu,
  geluInputGradient,
  joinHeads,
  type NormKind,
  norm,
  normInputGradient,
  sampledLookupInto,
  sampledNormInto,
  splitHeads,
  swiglu,
  swigluGradient,
} from "../../core/models/transformer-operations.ts";
import { expectClose, randomTokens, randomValues } from "./finite-differences.ts";

// R rows, T time, C channels, V vocabulary

const F32 = 2e-6; // sums of some hundred f32 products, relative to the largest value

const SHARE = 1e-5; // the absolute error that WGSL allows tanh, beyond that of an error function's polynomial

/** Odd on purpose: single rows, single channels, nothing a multiple of 4 but once. */
const SHAPES = [
  { batch: 1, time: 1, heads: 1, keyValueHeads: 1, headChannels: 3, causal: true },
  { batch: 2, time: 5, heads: 4, keyValueHeads: 2, headChannels: 3, causal: true },
  { batch: 3, time: 37, heads: 3, keyValueHeads: 1, headChannels: 7, causal: true },
  { batch: 1, time: 65, heads: 2, keyValueHeads: 2, headChannels: 32, causal: true },
  { batch: 2, time: 5, heads: 3, keyValueHeads: 3, headChannels: 5, causal: false },
  { batch: 1, time: 65, heads: 4, keyValueHeads: 2, headChannels: 16, causal: false },
];

const ROWS = [
  [1, 3],
  [10, 6],
  [111, 21],
  [65, 64],
] as const;

/** Compare every operation of a transformer's parts on the open backend with its f64 reference. */
export async function compareTransformerOperations(): Promise<void> {
  for (const shape of SHAPES) await compareAttention(shape);
  for (const [R, C] of ROWS) {
    await compareNorms(R, C, { norm: "layer", epsilon: 1e-5 });
    await compareNorms(R, C, { norm: "rms", epsilon: 1e-6 });
    await compareActivations(R, C);
  }
  await compareHeads();
  await compareEmbedding();
  await compareConv();
}

async function compareAttention(shape: attentionReference.AttentionShape): Promise<void> {
  const { batch, time, heads, keyValueHeads, headChannels: D, causal } = shape;
  const R = batch * time;
  const W = (heads + 2 * keyValueHeads) * D;
  const qkv = rounded(randomValues("qkv", R * W, 2));
  const dy = rounded(randomValues("dy", R * heads * D));
  const onDevice = upload(qkv, [R, W]);
  const kind = { time, heads, keyValueHeads, causal };
  const { mixed, logSums } = attention(onDevice, kind);
  const dyOn = upload(dy, [R, heads * D]);
  const dqkv = attentionGradient(dyOn, onDevice, mixed, logSums, kind);
  const what = `attention ${batch} × ${time}, ${heads} heads of ${D} on ${keyValueHeads}`;
  await same(what, mixed, attentionReference.referenceAttention(qkv, shape));
  await same(`${what}: dqkv`, dqkv, attentionReference.attentionBackward(qkv, dy, shape));
}

async function compareNorms(R: number, C: number, kind: NormKind): Promise<void> {
  const x = rounded(randomValues("x", R * C, 3));
  const dy = rounded(randomValues("dy", R * C));
  const residual = rounded(randomValues("residual", R * C));
  const weight = rounded(randomValues("weight", C));
  const bias = kind.norm === "layer" ? rounded(randomValues("bias", C)) : null;
  const [xOn, dyOn, weightOn] = [upload(x, [R, C]), upload(dy, [R, C]), upload(weight, [C])];
  const what = `${kind.norm} norm ${R} × ${C}`;
  const y = norm(xOn, weightOn, bias === null ? null : upload(bias, [C]), kind);
  await same(what, y, normReference.referenceNorm(x, weight, bias, kind));
  const expected = normReference.normBackward(x, weight, dy, kind);
  const dx = normInputGradient(dyOn, xOn, weightOn, null, kind);
  await same(`${what}: dx`, dx, expected.x);
  const withResidual = normInputGradient(dyOn, xOn, weightOn, upload(residual, [R, C]), kind);
  await same(`${what}: dx + residual`, withResidual, sum(expected.x, residual));
  const columns = Int32Array.from({ length: 2 * C }, (_, entry) => entry % C);
  for (const second of [C, 0]) {
    const gradient = zeros([2 * C]);
    const options = { start: 0, first: C, second, ...kind };
    sampledNormInto(gradient, xOn, dyOn, tensor(columns, [2 * C], "int32"), options);
    const both = Float64Array.of(...expected.bias, ...expected.weight).fill(0, C + second);
    await same(`${what}: dbias, ${second} of dweight`, gradient, both);
  }
}

async function compareActivations(R: number, F: number): Promise<void> {
  const x = rounded(randomValues("x", R * F, 9));
  const [dy, up] = [rounded(randomValues("dy", R * F)), rounded(randomValues("up", R * F))];
  const [xOn, dyOn, upOn] = [upload(x, [R, F]), upload(dy, [R, F]), upload(up, [R, F])];
  for (const form of ["tanh", "exact"] as const) {
    const what = `gelu ${form} ${R} × ${F}`;
    await same(what, gelu(xOn, { form }), activation.referenceGelu(x, { form }), SHARE);
    const dx = geluInputGradient(dyOn, xOn, { form });
    await same(`${what}: dx`, dx, activation.geluBackward(x, dy, { form }), SHARE);
  }
  await same(`swiglu ${R} × ${F}`, swiglu(xOn, upOn), activation.referenceSwiglu(x, up));
  const { dgate, dup } = swigluGradient(dyOn, xOn, upOn);
  const expected = activation.swigluBackward(x, up, dy);
  await same(`swiglu ${R} × ${F}: dgate`, dgate, expected.gate);
  await same(`swiglu ${R} × ${F}: dup`, dup, expected.up);
}

/** Queries, keys and values brought side by side, turned and back. */
async function compareHeads(): Promise<void> {
  const [B, T, H, K, D] = [2, 7, 6, 2, 10];
  const R = B * T;
  const angles = rounded(randomValues("angles", T * D));
  const [q, k, v] = [H, K, K].map((heads, i) => rounded(randomValues(`${i}`, R * heads * D)));
  const turn = (x: Float64Array, heads: number, direction: 1 | -1) =>
    attentionReference.turnHeads(x, angles, { time: T, heads, headChannels: D }, direction);
  const cut = (from: number, heads: number, matrixOf: Float64Array) =>
    Float64Array.from({ length: R * heads * D }, (_, p) => {
      const row = Math.floor(p / (heads * D));
      return matrixOf[row * (H + 2 * K) * D + from * D + (p % (heads * D))]!;
    });
  const anglesOn = upload(angles, [T, D]);
  const given = [upload(q!, [R, H * D]), upload(k!, [R, K * D]), upload(v!, [R, K * D])] as const;
  const joined = joinHeads(...given, anglesOn, { time: T, headChannels: D });
  const values = Float64Array.from(await joined.data());
  expectClose("joined queries", cut(0, H, values), turn(q!, H, 1), F32);
  expectClose("joined keys", cut(H, K, values), turn(k!, K, 1), F32);
  expectClose("joined values", cut(H + K, K, values), v!, F32);
  const dqkv = rounded(randomValues("dqkv", R * (H + 2 * K) * D));
  const options = { time: T, heads: H, keyValueHeads: K };
  const split = splitHeads(upload(dqkv, [R, (H + 2 * K) * D]), anglesOn, options);
  await same("split queries", split.dq, turn(cut(0, H, dqkv), H, -1));
  await same("split keys", split.dk, turn(cut(H, K, dqkv), K, -1));
  await same("split values", split.dv, cut(H + K, K, dqkv));
}

async function compareEmbedding(): Promise<void> {
  const [batch, T, C, V] = [3, 5, 7, 257];
  const R = batch * T;
  const tokens = randomTokens("tokens", R, V);
  tokens.fill(V - 1, 0, 4); // one token often
  const table = rounded(randomValues("table", V * C));
  const places = rounded(randomValues("places", (T + 1) * C));
  const dx = rounded(randomValues("dx", R * C));
  const tokensOn = tensor(tokens, [R], "int32");
  const x = embed(tokensOn, upload(table, [V, C]), upload(places, [T + 1, C]), {
    time: T,
    first: 0,
  });
  const times = Int32Array.from({ length: R }, (_, r) => r % T);
  const looked = embedding.lookup(table, tokens, C);
  await same("embedding", x, sum(looked, embedding.lookup(places, times, C)));
  const alone = embed(tokensOn, upload(table, [V, C]), null, { time: T, first: 0 });
  await same("embedding alone", alone, looked);
  const cut = 100; // rows of a first block
  const blocks = [table.subarray(0, cut * C), table.subarray(cut * C)];
  const parts = blocks.map((block, b) => {
    const on = upload(block, [block.length / C, C]);
    return embed(tokensOn, on, null, { time: T, first: b * cut });
  });
  await same("embedding in blocks of rows", add(parts[0]!, parts[1]!), looked);

  const dense = embedding.scatterAdd(dx, tokens, { vocabulary: V, channels: C });
  const inTable = [0, (V - 1) * C, (V - 1) * C + 3, V * C - 1, tokens[7]! * C + 2];
  const positions = tensor(Int32Array.of(0, ...inTable), [6], "int32");
  for (const adds of [false, true]) {
    const gradient = upload(new Float64Array(6).fill(0.5), [6]);
    const options = { start: 1, count: 5, adds };
    sampledLookupInto(gradient, tokensOn, upload(dx, [R, C]), positions, options);
    const wanted = [0.5, ...inTable.map((p) => dense[p]! + (adds ? 0.5 : 0))];
    await same("sampled lookup", gradient, Float64Array.from(wanted));
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
  await same("Conv1D", y, matrix.referenceLinear(x, weight, bias, size));
  const dx = linearInputGradient(dyOn, weightOn, null, { orientation: "in-out" });
  await same("Conv1D: dx", dx, matrix.referenceLinearInputGradient(dy, weight, size));
  const residual = rounded(randomValues("residual", R * O));
  const given = [upload(residual, [R, O]), xOn, weightOn, upload(bias, [O])] as const;
  const summed = linearWithResidual(...given, { orientation: "in-out" });
  await same(
    "Conv1D with residual",
    summed,
    sum(residual, matrix.referenceLinear(x, weight, bias, size)),
  );
  const [inBias, inWeight] = [Uint32Array.of(0, 3, 14), Uint32Array.of(0, 14, 15, 40, 74)];
  const gradient = zeros([8]);
  const at = tensor(Int32Array.of(...inBias, ...inWeight), [8], "int32");
  const pair = { start: 0, first: 3, second: 5, orientation: "in-out", adds: false } as const;
  sampledLinearInto(gradient, xOn, dyOn, at, pair);
  const sums = matrix.referenceColumnSums(dy, O);
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
