// B batch, T time (queries t, keys s), H heads of queries, K of keys and values, D channels of one

export type AttentionShape = {
  readonly batch: number;
  readonly time: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headChannels: number;
  readonly causal: boolean;
};

/**
 * Attention over `qkv` [B, T, (H + 2K)·D] (the queries' columns, then the keys', then the values'; query head h uses key
 * and value head ⌊h · K / H⌋) → [B, T, H·D]. Row t sees all keys or, causal, those of 0 … t: softmax(q·k / √D) · v.
 * Sources: Vaswani et al. 2017, arXiv:1706.03762, §3.2.1; Ainslie et al. 2023, arXiv:2305.13245.
 */
export function referenceAttention(qkv: Float64Array, shape: AttentionShape): Float64Array {
  const { batch: B, time: T, heads: H, headChannels: D } = shape;
  const y = new Float64Array(B * T * H * D); // [B, T, H·D]
  forEachQuery(qkv, shape, ({ value, out, weights }) => {
    weights.forEach((weight, s) => {
      for (let d = 0; d < D; d++) y[out + d]! += weight * qkv[value(s) + d]!;
    });
  });
  return y;
}

/** The gradient dqkv [B, T, (H + 2K)·D] from dy [B, T, H·D]. */
export function attentionBackward(
  qkv: Float64Array,
  dy: Float64Array,
  shape: AttentionShape,
): Float64Array {
  const D = shape.headChannels;
  const dqkv = new Float64Array(qkv.length);
  forEachQuery(qkv, shape, ({ query, key, value, out, weights }) => {
    const dweights = new Float64Array(weights.length); // the gradient of the softmax's results
    let mean = 0; // Σ weights · dweights, what the softmax's normalisation takes away
    weights.forEach((weight, s) => {
      for (let d = 0; d < D; d++) {
        dqkv[value(s) + d]! += weight * dy[out + d]!;
        dweights[s]! += dy[out + d]! * qkv[value(s) + d]!;
      }
      mean += weight * dweights[s]!;
    });
    weights.forEach((weight, s) => {
      const dscore = (weight * (dweights[s]! - mean)) / Math.sqrt(D);
      for (let d = 0; d < D; d++) {
        dqkv[query + d]! += dscore * qkv[key(s) + d]!;
        dqkv[key(s) + d]! += dscore * qkv[query + d]!;
      }
    });
  });
  return dqkv;
}

type Query = {
  /** Where this query, the key and value of time s, and this row of the result begin. */
  readonly query: number;
  readonly key: (s: number) => number;
  readonly value: (s: number) => number;
  readonly out: number;
  /** One a key that the query sees, positive, summing to 1. */
  readonly weights: Float64Array;
};

function forEachQuery(
  qkv: Float64Array,
  { batch: B, time: T, heads: H, keyValueHeads: K, headChannels: D, causal }: AttentionShape,
  visit: (query: Query) => void,
): void {
  const width = (H + 2 * K) * D;
  for (let b = 0; b < B; b++) {
    for (let h = 0; h < H; h++) {
      const shared = Math.floor((h * K) / H);
      const column = (s: number, head: number) => (b * T + s) * width + head * D;
      const key = (s: number) => column(s, H + shared);
      const value = (s: number) => column(s, H + K + shared);
      for (let t = 0; t < T; t++) {
        const query = column(t, h);
        const scores = Float64Array.from({ length: causal ? t + 1 : T }, (_, s) => {
          let dot = 0;
          for (let d = 0; d < D; d++) dot += qkv[query + d]! * qkv[key(s) + d]!;
          return dot / Math.sqrt(D);
        });
        visit({ query, key, value, out: ((b * T + t) * H + h) * D, weights: softmax(scores) });
      }
    }
  }
}

/** x [B·T, heads·D]: each head's halves turned by the angles [T, D], cosines and then sines; back where `direction` is −1. */
export function turnHeads(
  x: Float64Array,
  angles: ArrayLike<number>,
  { time: T, heads, headChannels: D }: { time: number; heads: number; headChannels: number },
  direction: 1 | -1,
): Float64Array {
  const half = D / 2;
  return x.map((value, p) => {
    const t = Math.floor(p / (heads * D)) % T;
    const d = p % D;
    const pair = d % half;
    const cosine = angles[t * D + pair]!;
    const sine = direction * angles[t * D + half + pair]!;
    return d < half ? value * cosine - x[p + half]! * sine : value * cosine + x[p - half]! * sine;
  });
}

/** exp(scores) [n] over their sum. */
export function softmax(scores: Float64Array): Float64Array {
  const most = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY); // against overflow
  const powers = scores.map((score) => Math.exp(score - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
