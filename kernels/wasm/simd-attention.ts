import type { GptHostBodies } from "../gpt-host-bodies.ts";
import { forRows, type Heap } from "./simd-bodies.ts";
import type { SimdExports } from "./simd-module.ts";

// R rows, T time, C channels, D channels per head; one head of one sequence is [T, D]

type Attention = Pick<GptHostBodies, "causalAttention" | "causalAttentionGradient">;

/**
 * Causal attention as whole products of each head, [T, T] in scratch memory that is made once a call: twice
 * the arithmetic of the causal half, but all of it in SIMD. The arrays lie in the heap's memory.
 */
export function createSimdAttention(simd: SimdExports, heap: Heap): Attention {
  /** to [T, T] = a [T, D] · bᵀ, and to [T, D] = a [T, T] · b. */
  const dots = (T: number, D: number, to: Float32Array, a: Float32Array, b: Float32Array) =>
    forRows(T, simd.dots4, simd.dots1, addresses(to, a, b), T, D);
  const product = (T: number, D: number, to: Float32Array, a: Float32Array, b: Float32Array) =>
    forRows(T, simd.product4, simd.product1, addresses(to, a, b), D, T);

  return {
    causalAttention(mixed, logSums, qkv, { R, T, C, H }) {
      const D = C / H;
      const lengths = [T * D, T * D, T * D, T * T] as const;
      withScratch(heap, [mixed, logSums, qkv], lengths, (given, [q, k, v, weights]) => {
        const [mixedOn, logSumsOn, qkvOn] = given;
        for (let first = 0; first < R; first += T) {
          for (let h = 0; h < H; h++) {
            const at = { first, column: h * D, width: 3 * C };
            gather(q, qkvOn, D, at, 1 / Math.sqrt(D));
            gather(k, qkvOn, D, { ...at, column: C + h * D });
            gather(v, qkvOn, D, { ...at, column: 2 * C + h * D });
            dots(T, D, weights, q, k);
            for (let t = 0; t < T; t++) {
              logSumsOn[(first + t) * H + h] = causalSoftmax(weights, t, T);
            }
            product(T, D, q, weights, v); // the queries have done their work
            scatter(q, mixedOn, D, { first, column: h * D, width: C });
          }
        }
      });
    },

    causalAttentionGradient(dqkv, dy, qkv, mixed, logSums, { R, T, C, H }) {
      const D = C / H;
      const [head, square] = [T * D, T * T];
      const lengths = [head, head, head, head, head, square, square, square, square] as const;
      withScratch(heap, [dqkv, dy, qkv, mixed, logSums], lengths, (given, scratch) => {
        const [dqkvOn, dyOn, qkvOn, mixedOn, logSumsOn] = given;
        const [q, k, v, dyHead, result, scores, dscores, weightsT, dscoresT] = scratch;
        weightsT.fill(0); // what is above the diagonal stays so
        dscoresT.fill(0);
        for (let first = 0; first < R; first += T) {
          for (let h = 0; h < H; h++) {
            const query = { first, column: h * D, width: 3 * C };
            const key = { ...query, column: C + h * D };
            const value = { ...query, column: 2 * C + h * D };
            gather(q, qkvOn, D, query, 1 / Math.sqrt(D));
            gather(k, qkvOn, D, key);
            gather(v, qkvOn, D, value);
            gather(dyHead, dyOn, D, { first, column: h * D, width: C });
            dots(T, D, scores, q, k);
            dots(T, D, dscores, dyHead, v); // the gradient of the weights
            for (let t = 0; t < T; t++) {
              const row = (first + t) * C + h * D;
              let mean = 0; // Σ weight · dweight over the keys, which is dy · mixed
              for (let d = 0; d < D; d++) mean += dyOn[row + d]! * mixedOn[row + d]!;
              const logSum = logSumsOn[(first + t) * H + h]!;
              for (let s = 0; s <= t; s++) {
                const weight = Math.exp(scores[t * T + s]! - logSum);
                const dscore = weight * (dscores[t * T + s]! - mean);
                dscores[t * T + s] = dscore;
                weightsT[s * T + t] = weight;
                dscoresT[s * T + t] = dscore;
              }
              dscores.fill(0, t * T + t + 1, (t + 1) * T);
            }
            product(T, D, result, dscores, k);
            scatter(result, dqkvOn, D, query, 1 / Math.sqrt(D));
            product(T, D, result, dscoresT, q); // q is scaled already
            scatter(result, dqkvOn, D, key);
            product(T, D, result, weightsT, dyHead);
            scatter(result, dqkvOn, D, value);
          }
        }
      });
    },
  };
}

/** An array for each element of a tuple. */
type ArrayFor<Tuple extends readonly unknown[]> = { [Index in keyof Tuple]: Float32Array };

/** Lend `use` scratch arrays of these lengths, beside the given ones: allocating may move the memory. */
function withScratch<
  const Given extends readonly Float32Array[],
  const Lengths extends readonly number[],
>(
  heap: Heap,
  given: Given,
  lengths: Lengths,
  use: (given: ArrayFor<Given>, scratch: ArrayFor<Lengths>) => void,
): void {
  const places = given.map(({ byteOffset, length }) => ({ byteOffset, length }));
  const scratch = heap.allocate(4 * lengths.reduce((sum, length) => sum + length, 0));
  try {
    const { buffer } = heap.memory;
    let at = scratch;
    const made = lengths.map((length) => {
      const array = new Float32Array(buffer, at, length);
      at += 4 * length;
      return array;
    });
    const again = places.map((place) => new Float32Array(buffer, place.byteOffset, place.length));
    use(again as ArrayFor<Given>, made as ArrayFor<Lengths>); // one for each
  } finally {
    heap.free(scratch);
  }
}

/** Where a head lies in a matrix of rows of `width`: from its first row, D columns from `column`. */
type HeadPlace = { readonly first: number; readonly column: number; readonly width: number };

function gather(
  head: Float32Array,
  matrix: Float32Array,
  D: number,
  { first, column, width }: HeadPlace,
  scale = 1,
): void {
  for (let to = 0, from = first * width + column; to < head.length; to += D, from += width) {
    for (let d = 0; d < D; d++) head[to + d] = matrix[from + d]! * scale;
  }
}

function scatter(
  head: Float32Array,
  matrix: Float32Array,
  D: number,
  { first, column, width }: HeadPlace,
  scale = 1,
): void {
  for (let from = 0, to = first * width + column; from < head.length; from += D, to += width) {
    for (let d = 0; d < D; d++) matrix[to + d] = head[from + d]! * scale;
  }
}

/** Turn row t of the scores [T, T] into weights of the keys 0 … t, the others 0; returns log Σ exp(score). */
function causalSoftmax(scores: Float32Array, t: number, T: number): number {
  const row = t * T;
  let most = Number.NEGATIVE_INFINITY;
  for (let s = row; s <= row + t; s++) if (scores[s]! > most) most = scores[s]!;
  let sum = 0;
  for (let s = row; s <= row + t; s++) sum += Math.exp(scores[s]! - most);
  const logSum = most + Math.log(sum);
  for (let s = row; s <= row + t; s++) scores[s] = Math.exp(scores[s]! - logSum);
  scores.fill(0, row + t + 1, row + T);
  return logSum;
}

function addresses(to: Float32Array, a: Float32Array, b: Float32Array) {
  return { to: to.byteOffset, a: a.byteOffset, b: b.byteOffset };
}
