// B batch, T time (queries t, keys s), C channels, H heads, D = C / H channels per head

export type AttentionShape = {
  readonly batch: number;
  readonly time: number;
  readonly channels: number;
  readonly heads: number;
};

/**
 * Causal attention over `qkv` [B, T, 3C] (the queries' C columns, then the keys', then the values';
 * head h owns columns hD … hD + D − 1 of each) → [B, T, C].
 * Row t sees keys 0 … t: softmax(q·k / √D) · v. Source: Vaswani et al. 2017, arXiv:1706.03762, §3.2.1.
 */
export function causalAttention(qkv: Float64Array, shape: AttentionShape): Float64Array {
  const { batch: B, time: T, channels: C } = shape;
  const y = new Float64Array(B * T * C); // [B, T, C]
  forEachQuery(qkv, shape, ({ t, value, out, weights, D }) => {
    for (let s = 0; s <= t; s++) {
      for (let d = 0; d < D; d++) y[out + d]! += weights[s]! * qkv[value(s) + d]!;
    }
  });
  return y;
}

/** The gradient dqkv [B, T, 3C] from dy [B, T, C]. */
export function causalAttentionBackward(
  qkv: Float64Array,
  dy: Float64Array,
  shape: AttentionShape,
): Float64Array {
  const dqkv = new Float64Array(qkv.length); // [B, T, 3C]
  forEachQuery(qkv, shape, ({ t, query, key, value, out, weights, D }) => {
    const dweights = new Float64Array(t + 1); // [t + 1], the gradient of the softmax's results
    let mean = 0; // Σ weights · dweights, what the softmax's normalisation takes away
    for (let s = 0; s <= t; s++) {
      for (let d = 0; d < D; d++) {
        dqkv[value(s) + d]! += weights[s]! * dy[out + d]!;
        dweights[s]! += dy[out + d]! * qkv[value(s) + d]!;
      }
      mean += weights[s]! * dweights[s]!;
    }
    for (let s = 0; s <= t; s++) {
      const dscore = (weights[s]! * (dweights[s]! - mean)) / Math.sqrt(D);
      for (let d = 0; d < D; d++) {
        dqkv[query + d]! += dscore * qkv[key(s) + d]!;
        dqkv[key(s) + d]! += dscore * qkv[query + d]!;
      }
    }
  });
  return dqkv;
}

type Query = {
  readonly t: number;
  /** Where this query, the key and value of time s, and this row of the result begin. */
  readonly query: number;
  readonly key: (s: number) => number;
  readonly value: (s: number) => number;
  readonly out: number;
  /** [t + 1], positive, summing to 1. */
  readonly weights: Float64Array;
  readonly D: number;
};

function forEachQuery(
  qkv: Float64Array,
  { batch: B, time: T, channels: C, heads: H }: AttentionShape,
  visit: (query: Query) => void,
): void {
  const D = C / H;
  for (let b = 0; b < B; b++) {
    for (let h = 0; h < H; h++) {
      const column = (s: number, part: number) => ((b * T + s) * 3 + part) * C + h * D;
      const key = (s: number) => column(s, 1);
      const value = (s: number) => column(s, 2);
      for (let t = 0; t < T; t++) {
        const query = column(t, 0);
        const scores = Float64Array.from({ length: t + 1 }, (_, s) => {
          let dot = 0;
          for (let d = 0; d < D; d++) dot += qkv[query + d]! * qkv[key(s) + d]!;
          return dot / Math.sqrt(D);
        });
        visit({ t, query, key, value, out: (b * T + t) * C + h * D, weights: softmax(scores), D });
      }
    }
  }
}

/** exp(scores) [n] over their sum. */
export function softmax(scores: Float64Array): Float64Array {
  const most = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY); // against overflow
  const powers = scores.map((score) => Math.exp(score - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
