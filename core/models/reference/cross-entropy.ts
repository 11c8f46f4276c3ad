import { softmax } from "./attention.ts";

// R rows (batch × time), V vocabulary or classes

/** The loss of each row in nats [R]: −log softmax(logits [R, V])[targets [R]]. */
export function referenceCrossEntropy(
  logits: Float64Array,
  targets: ArrayLike<number>,
): Float64Array {
  const R = targets.length;
  const V = logits.length / R;
  return Float64Array.from({ length: R }, (_, r) => {
    const row = logits.subarray(r * V, (r + 1) * V); // [V]
    const most = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY); // against overflow
    let sum = 0;
    for (const logit of row) sum += Math.exp(logit - most);
    return Math.log(sum) + most - row[targets[r]!]!;
  });
}

/** The gradient dlogits [R, V] from dlosses [R]: (softmax − one-hot target) · dloss. */
export function crossEntropyBackward(
  logits: Float64Array,
  targets: ArrayLike<number>,
  dlosses: Float64Array,
): Float64Array {
  const R = targets.length;
  const V = logits.length / R;
  const dlogits = new Float64Array(logits.length); // [R, V]
  for (let r = 0; r < R; r++) {
    const row = softmax(logits.subarray(r * V, (r + 1) * V)); // [V]
    for (let v = 0; v < V; v++) {
      dlogits[r * V + v] = (row[v]! - (v === targets[r] ? 1 : 0)) * dlosses[r]!;
    }
  }
  return dlogits;
}
