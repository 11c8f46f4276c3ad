import type { AttentionBodies } from "../parts/attention.ts";
import { type Heap, withScratch } from "./heap.ts";
import type { SimdExports } from "./simd-module.ts";
import { padded, transpose } from "./simd-products.ts";

// R rows, T time, P padded(T), H heads of queries, K of keys and values, D channels of one; a head of one sequence is [T, D]

type Attention = Pick<AttentionBodies, "attention" | "attentionGradient">;

/**
 * Attention as products of each head, [P, P] in scratch memory that is made once a call. Where it is causal, four rows go as
 * far as the last of them sees, so the future's half is never computed. The arrays lie in the heap's memory.
 */
export function createSimdAttention(simd: SimdExports, heap: Heap): Attention {
  type Product3 = [to: Float32Array, a: Float32Array, b: Float32Array];
  type Square = { readonly P: number; readonly D: number; readonly causal: boolean };

  /** to [P, P] = a [P, D] · bᵀ of b [P, D], as far as each query sees. */
  const scores = ({ P, D, causal }: Square, ...[to, a, b]: Product3) => {
    to.fill(0);
    for (let t = 0; t < P; t += 4) {
      const [y, row] = [to.byteOffset + 4 * t * P, a.byteOffset + 4 * t * D];
      simd.dots4(y, row, b.byteOffset, causal ? t + 4 : P, D, P, D);
    }
  };
  /** to [P, D] = a [P, P] · b [P, D], where a holds nothing that a row does not see. */
  const seen = ({ P, D, causal }: Square, ...[to, a, b]: Product3) => {
    to.fill(0);
    for (let t = 0; t < P; t += 4) {
      const [y, row] = [to.byteOffset + 4 * t * D, a.byteOffset + 4 * t * P];
      simd.product4(y, row, b.byteOffset, D, causal ? t + 4 : P, D, P);
    }
  };
  /** to [P, D] += a [P, P] · b [P, D], where a row is a key and holds nothing of the queries that do not see it. */
  const seeing = ({ P, D, causal }: Square, ...[to, a, b]: Product3) => {
    for (let t = 0; t < P; t += 4) {
      const first = causal ? t : 0;
      const [y, row] = [to.byteOffset + 4 * t * D, a.byteOffset + 4 * (t * P + first)];
      simd.product4(y, row, b.byteOffset + 4 * first * D, D, P - first, D, P);
    }
  };

  return {
    attention(mixed, logSums, qkv, { R, T, H, K, D, causal }) {
      const P = padded(T);
      const square = { P, D, causal };
      const width = (H + 2 * K) * D;
      const lengths = [P * D, P * D, P * D, P * P, 2] as const;
      withScratch(heap, [mixed, logSums, qkv], lengths, (given, scratch) => {
        const [mixedOn, logSumsOn, qkvOn] = given;
        const [q, k, v, weights, statistics] = scratch;
        for (const padding of [q, k, v]) padding.fill(0, T * D);
        for (let first = 0; first < R; first += T) {
          for (let h = 0; h < H; h++) {
            const shared = Math.floor((h * K) / H);
            gather(q, qkvOn, { T, D }, { first, column: h * D, width }, 1 / Math.sqrt(D));
            gather(k, qkvOn, { T, D }, { first, column: (H + shared) * D, width });
            gather(v, qkvOn, { T, D }, { first, column: (H + K + shared) * D, width });
            scores(square, weights, q, k);
            for (let t = 0; t < T; t++) {
              const row = seenRow(weights, { t, T, P, causal });
              simd.softmax(row.byteOffset, row.byteOffset, row.byteLength, statistics.byteOffset);
              const [most = 0, sum = 0] = statistics;
              logSumsOn[(first + t) * H + h] = most + Math.log(sum);
            }
            seen(square, q, weights, v); // the queries have done their work
            scatter(q, mixedOn, { T, D }, { first, column: h * D, width: H * D });
            q.fill(0, T * D);
          }
        }
      });
    },

    attentionGradient(dqkv, dy, qkv, mixed, logSums, { R, T, H, K, D, causal }) {
      const P = padded(T);
      const square = { P, D, causal };
      const width = (H + 2 * K) * D;
      const [head, all] = [P * D, P * P];
      const lengths = [head, head, head, head, head, head, head, all, all, all, 2] as const;
      withScratch(heap, [dqkv, dy, qkv, mixed, logSums], lengths, (given, scratch) => {
        const [dqkvOn, dyOn, qkvOn, mixedOn, logSumsOn] = given;
        const [q, k, v, dyHead, dq, dk, dv, weights, dscores, transposed, scalars] = scratch;
        for (const padding of [q, k, v, dyHead]) padding.fill(0, T * D);
        const turn = (matrix: Float32Array) => {
          transpose(simd, transposed, matrix, { R: P, columns: P, rows: P });
          return transposed;
        };
        /** One head of queries: its gradient, and its part of the shared key's and value's. */
        const addQueries = (first: number, h: number) => {
          const query = { first, column: h * D, width };
          gather(q, qkvOn, { T, D }, query, 1 / Math.sqrt(D));
          gather(dyHead, dyOn, { T, D }, { first, column: h * D, width: H * D });
          scores(square, weights, q, k); // the scores, so far
          scores(square, dscores, dyHead, v); // the gradient of the weights, so far
          for (let t = 0; t < T; t++) {
            const row = ((first + t) * H + h) * D;
            let mean = 0; // Σ weight · dweight over the keys, which is dy · mixed
            for (let d = 0; d < D; d++) mean += dyOn[row + d]! * mixedOn[row + d]!;
            scalars[0] = logSumsOn[(first + t) * H + h]!;
            scalars[1] = mean;
            const own = seenRow(weights, { t, T, P, causal });
            const place = seenRow(dscores, { t, T, P, causal }, 0).byteOffset;
            simd.softmaxGradient(own.byteOffset, place, own.byteLength, scalars.byteOffset);
          }
          seen(square, dq, dscores, k);
          scatter(dq, dqkvOn, { T, D }, query, 1 / Math.sqrt(D));
          seeing(square, dk, turn(dscores), q); // q is scaled already
          seeing(square, dv, turn(weights), dyHead);
        };
        const group = H / K;
        for (let first = 0; first < R; first += T) {
          for (let shared = 0; shared < K; shared++) {
            const key = { first, column: (H + shared) * D, width };
            const value = { first, column: (H + K + shared) * D, width };
            gather(k, qkvOn, { T, D }, key);
            gather(v, qkvOn, { T, D }, value);
            dk.fill(0);
            dv.fill(0);
            for (let h = shared * group; h < (shared + 1) * group; h++) addQueries(first, h);
            scatter(dk, dqkvOn, { T, D }, key);
            scatter(dv, dqkvOn, { T, D }, value);
          }
        }
      });
    },
  };
}

/**
 * Of row t of a matrix [T, P] the vectors that hold the keys it sees, `unseen` in what they hold beyond, whose exponential is
 * 0; the rest of the row becomes 0.
 */
function seenRow(
  matrix: Float32Array,
  { t, T, P, causal }: { t: number; T: number; P: number; causal: boolean },
  unseen = Number.NEGATIVE_INFINITY,
): Float32Array {
  const keys = causal ? t + 1 : T;
  const [start, end] = [t * P, t * P + padded(keys)];
  matrix.fill(unseen, start + keys, end);
  matrix.fill(0, end, start + P);
  return matrix.subarray(start, end);
}

/** Where a head lies in a matrix of rows of `width`: from its first row, D columns from `column`. */
type HeadPlace = { readonly first: number; readonly column: number; readonly width: number };
type HeadSizes = { readonly T: number; readonly D: number };

function gather(
  head: Float32Array,
  matrix: Float32Array,
  { T, D }: HeadSizes,
  { first, column, width }: HeadPlace,
  scale = 1,
): void {
  for (let to = 0, from = first * width + column; to < T * D; to += D, from += width) {
    for (let d = 0; d < D; d++) head[to + d] = matrix[from + d]! * scale;
  }
}

function scatter(
  head: Float32Array,
  matrix: Float32Array,
  { T, D }: HeadSizes,
  { first, column, width }: HeadPlace,
  scale = 1,
): void {
  for (let from = 0, to = first * width + column; from < T * D; from += D, to += width) {
    for (let d = 0; d < D; d++) matrix[to + d] = head[from + d]! * scale;
  }
}
