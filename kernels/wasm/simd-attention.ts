import type { GptHostBodies } from "../gpt-host-bodies.ts";
import { type Heap, withScratch } from "./heap.ts";
import type { SimdExports } from "./simd-module.ts";
import { padded, transpose } from "./simd-products.ts";

// R rows, T time, P padded(T), C channels, D channels per head; one head of one sequence is [T, D]

type Attention = Pick<GptHostBodies, "causalAttention" | "causalAttentionGradient">;

/**
 * Causal attention as products of each head, [P, P] in scratch memory that is made once a call. Four rows go as far as the
 * last of them sees, so the future's half is never computed. The arrays lie in the heap's memory.
 */
export function createSimdAttention(simd: SimdExports, heap: Heap): Attention {
  type Product3 = [to: Float32Array, a: Float32Array, b: Float32Array];

  /** to [P, P] = a [P, D] · bᵀ of b [P, D], as far as each query sees. */
  const scores = (P: number, D: number, ...[to, a, b]: Product3) => {
    to.fill(0);
    for (let t = 0; t < P; t += 4) {
      const [y, row] = [to.byteOffset + 4 * t * P, a.byteOffset + 4 * t * D];
      simd.dots4(y, row, b.byteOffset, t + 4, D, P, D);
    }
  };
  /** to [P, D] = a [P, P] · b [P, D], where a holds nothing behind each row's own time. */
  const seen = (P: number, D: number, ...[to, a, b]: Product3) => {
    to.fill(0);
    for (let t = 0; t < P; t += 4) {
      const [y, row] = [to.byteOffset + 4 * t * D, a.byteOffset + 4 * t * P];
      simd.product4(y, row, b.byteOffset, D, t + 4, D, P);
    }
  };
  /** The same where a holds nothing before it. */
  const seeing = (P: number, D: number, ...[to, a, b]: Product3) => {
    to.fill(0);
    for (let t = 0; t < P; t += 4) {
      const [y, row] = [to.byteOffset + 4 * t * D, a.byteOffset + 4 * (t * P + t)];
      simd.product4(y, row, b.byteOffset + 4 * t * D, D, P - t, D, P);
    }
  };

  return {
    causalAttention(mixed, logSums, qkv, { R, T, C, H }) {
      const [D, P] = [C / H, padded(T)];
      const lengths = [P * D, P * D, P * D, P * P, 2] as const;
      withScratch(heap, [mixed, logSums, qkv], lengths, (given, scratch) => {
        const [mixedOn, logSumsOn, qkvOn] = given;
        const [q, k, v, weights, statistics] = scratch;
        for (const padding of [q, k, v]) padding.fill(0, T * D);
        for (let first = 0; first < R; first += T) {
          for (let h = 0; h < H; h++) {
            const at = { first, column: h * D, width: 3 * C };
            gather(q, qkvOn, { T, D }, at, 1 / Math.sqrt(D));
            gather(k, qkvOn, { T, D }, { ...at, column: C + h * D });
            gather(v, qkvOn, { T, D }, { ...at, column: 2 * C + h * D });
            scores(P, D, weights, q, k);
            for (let t = 0; t < T; t++) {
              const row = causalRow(weights, t, P);
              simd.softmax(row.byteOffset, row.byteOffset, row.byteLength, statistics.byteOffset);
              const [most = 0, sum = 0] = statistics;
              logSumsOn[(first + t) * H + h] = most + Math.log(sum);
            }
            seen(P, D, q, weights, v); // the queries have done their work
            scatter(q, mixedOn, { T, D }, { first, column: h * D, width: C });
          }
        }
      });
    },

    causalAttentionGradient(dqkv, dy, qkv, mixed, logSums, { R, T, C, H }) {
      const [D, P] = [C / H, padded(T)];
      const [head, square] = [P * D, P * P];
      const lengths = [head, head, head, head, head, square, square, square, 2] as const;
      withScratch(heap, [dqkv, dy, qkv, mixed, logSums], lengths, (given, scratch) => {
        const [dqkvOn, dyOn, qkvOn, mixedOn, logSumsOn] = given;
        const [q, k, v, dyHead, result, weights, dscores, transposed, scalars] = scratch;
        for (const padding of [q, k, v, dyHead]) padding.fill(0, T * D);
        const turn = (matrix: Float32Array) => {
          transpose(simd, transposed, matrix, { R: P, columns: P, rows: P });
          return transposed;
        };
        for (let first = 0; first < R; first += T) {
          for (let h = 0; h < H; h++) {
            const query = { first, column: h * D, width: 3 * C };
            const key = { ...query, column: C + h * D };
            const value = { ...query, column: 2 * C + h * D };
            gather(q, qkvOn, { T, D }, query, 1 / Math.sqrt(D));
            gather(k, qkvOn, { T, D }, key);
            gather(v, qkvOn, { T, D }, value);
            gather(dyHead, dyOn, { T, D }, { first, column: h * D, width: C });
            scores(P, D, weights, q, k); // the scores, so far
            scores(P, D, dscores, dyHead, v); // the gradient of the weights, so far
            for (let t = 0; t < T; t++) {
              const row = (first + t) * C + h * D;
              let mean = 0; // Σ weight · dweight over the keys, which is dy · mixed
              for (let d = 0; d < D; d++) mean += dyOn[row + d]! * mixedOn[row + d]!;
              scalars[0] = logSumsOn[(first + t) * H + h]!;
              scalars[1] = mean;
              const own = causalRow(weights, t, P);
              const place = causalRow(dscores, t, P, 0).byteOffset;
              simd.softmaxGradient(own.byteOffset, place, own.byteLength, scalars.byteOffset);
            }
            seen(P, D, result, dscores, k);
            scatter(result, dqkvOn, { T, D }, query, 1 / Math.sqrt(D));
            seeing(P, D, result, turn(dscores), q); // q is scaled already
            scatter(result, dqkvOn, { T, D }, key);
            seeing(P, D, result, turn(weights), dyHead);
            scatter(result, dqkvOn, { T, D }, value);
          }
        }
      });
    },
  };
}

/**
 * Of row t of a matrix [T, P] the vectors that hold the keys 0 … t, `later` in what they hold beyond, whose exponential is
 * 0; the rest of the row becomes 0.
 */
function causalRow(
  matrix: Float32Array,
  t: number,
  P: number,
  later = Number.NEGATIVE_INFINITY,
): Float32Array {
  const [start, end] = [t * P, t * P + padded(t + 1)];
  matrix.fill(later, start + t + 1, end);
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
