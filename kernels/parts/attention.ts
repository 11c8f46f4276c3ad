import { matrix } from "../attributes.ts";
import { type Call, type HostOperation, optional } from "../host-call.ts";

// R rows, T time, H heads of queries, K of keys and values, D channels of one; W = (H + 2K)·D, a row of qkv

/** T rows are a sequence. */
export type AttentionSizes = {
  readonly R: number;
  readonly T: number;
  readonly H: number;
  readonly K: number;
  readonly D: number;
  readonly causal: boolean;
};

/** How heads lie side by side, T the rows of a sequence. */
export type HeadSizes = Pick<AttentionSizes, "R" | "T" | "H" | "K" | "D">;

/** Attention, and what brings heads together for it, on arrays: outputs first, then inputs. */
export type AttentionBodies = {
  attention(
    mixed: Float32Array,
    logSums: Float32Array,
    qkv: Float32Array,
    sizes: AttentionSizes,
  ): void;
  attentionGradient(
    dqkv: Float32Array,
    dy: Float32Array,
    qkv: Float32Array,
    mixed: Float32Array,
    logSums: Float32Array,
    sizes: AttentionSizes,
  ): void;
  joinHeads(
    qkv: Float32Array,
    q: Float32Array,
    k: Float32Array,
    v: Float32Array,
    angles: Float32Array | null,
    sizes: HeadSizes,
  ): void;
  splitHeads(
    dq: Float32Array,
    dk: Float32Array,
    dv: Float32Array,
    dqkv: Float32Array,
    angles: Float32Array | null,
    sizes: HeadSizes,
  ): void;
};

/** Where the query of head h begins in row r, and the key and value that it shares. */
function placesOf({ H, K, D }: HeadSizes) {
  const W = (H + 2 * K) * D;
  const group = H / K;
  const key = (r: number, h: number) => r * W + (H + Math.floor(h / group)) * D;
  return {
    query: (r: number, h: number) => r * W + h * D,
    key,
    value: (r: number, h: number) => key(r, h) + K * D,
  };
}

export const plainAttentionBodies: AttentionBodies = {
  attention(mixed, logSums, qkv, sizes) {
    const { R, T, H, D, causal } = sizes;
    const { value } = placesOf(sizes);
    const scores = new Float32Array(T);
    for (let r = 0; r < R; r++) {
      for (let h = 0; h < H; h++) {
        const first = r - (r % T); // the sequence's first row
        const last = causal ? r : first + T - 1;
        const most = scoresInto(scores, qkv, { first, last, r, h }, sizes);
        let sum = 0;
        for (let s = first; s <= last; s++) sum += Math.exp(scores[s - first]! - most);
        const logSum = most + Math.log(sum);
        logSums[r * H + h] = logSum;
        const out = (r * H + h) * D;
        for (let d = 0; d < D; d++) mixed[out + d] = 0;
        for (let s = first; s <= last; s++) {
          const weight = Math.exp(scores[s - first]! - logSum);
          const at = value(s, h);
          for (let d = 0; d < D; d++) mixed[out + d]! += weight * qkv[at + d]!;
        }
      }
    }
  },

  attentionGradient(dqkv, dy, qkv, mixed, logSums, sizes) {
    const { R, T, H, D, causal } = sizes;
    const places = placesOf(sizes);
    const scores = new Float32Array(T);
    dqkv.fill(0);
    for (let r = 0; r < R; r++) {
      for (let h = 0; h < H; h++) {
        const first = r - (r % T);
        const last = causal ? r : first + T - 1;
        scoresInto(scores, qkv, { first, last, r, h }, sizes);
        const out = (r * H + h) * D;
        const query = places.query(r, h);
        let mean = 0; // Σ weight · dweight over the keys, which is dy · mixed
        for (let d = 0; d < D; d++) mean += dy[out + d]! * mixed[out + d]!;
        for (let s = first; s <= last; s++) {
          const [key, value] = [places.key(s, h), places.value(s, h)];
          const weight = Math.exp(scores[s - first]! - logSums[r * H + h]!);
          let dweight = 0;
          for (let d = 0; d < D; d++) {
            dweight += dy[out + d]! * qkv[value + d]!;
            dqkv[value + d]! += weight * dy[out + d]!;
          }
          const dscore = (weight * (dweight - mean)) / Math.sqrt(D);
          for (let d = 0; d < D; d++) {
            dqkv[query + d]! += dscore * qkv[key + d]!;
            dqkv[key + d]! += dscore * qkv[query + d]!;
          }
        }
      }
    }
  },

  joinHeads(qkv, q, k, v, angles, { R, T, H, K, D }) {
    const W = (H + 2 * K) * D;
    for (let r = 0; r < R; r++) {
      const turn = (to: number, x: Float32Array, from: number) =>
        turnHead(qkv, to, x, from, angles, (r % T) * D, D, 1);
      for (let h = 0; h < H; h++) turn(r * W + h * D, q, (r * H + h) * D);
      for (let h = 0; h < K; h++) turn(r * W + (H + h) * D, k, (r * K + h) * D);
      qkv.set(v.subarray(r * K * D, (r + 1) * K * D), r * W + (H + K) * D);
    }
  },

  splitHeads(dq, dk, dv, dqkv, angles, { R, T, H, K, D }) {
    const W = (H + 2 * K) * D;
    for (let r = 0; r < R; r++) {
      const turn = (y: Float32Array, to: number, from: number) =>
        turnHead(y, to, dqkv, from, angles, (r % T) * D, D, -1);
      for (let h = 0; h < H; h++) turn(dq, (r * H + h) * D, r * W + h * D);
      for (let h = 0; h < K; h++) turn(dk, (r * K + h) * D, r * W + (H + h) * D);
      dv.set(dqkv.subarray(r * W + (H + K) * D, (r + 1) * W), r * K * D);
    }
  },
};

/** D values from x[from …] to y[to …], turned by the angles[at …] forwards (1) or back (−1); without angles as they are. */
function turnHead(
  y: Float32Array,
  to: number,
  x: Float32Array,
  from: number,
  angles: Float32Array | null,
  at: number,
  D: number,
  direction: 1 | -1,
): void {
  if (angles === null) {
    for (let d = 0; d < D; d++) y[to + d] = x[from + d]!;
    return;
  }
  const half = D / 2;
  for (let d = 0; d < half; d++) {
    const [a, b] = [x[from + d]!, x[from + half + d]!];
    const cosine = angles[at + d]!;
    const sine = direction * angles[at + half + d]!;
    y[to + d] = a * cosine - b * sine;
    y[to + half + d] = b * cosine + a * sine;
  }
}

/** q·k / √D of row r's query with each row's key from `first` to `last`; returns the largest. */
function scoresInto(
  scores: Float32Array,
  qkv: Float32Array,
  { first, last, r, h }: { first: number; last: number; r: number; h: number },
  sizes: HeadSizes,
): number {
  const { D } = sizes;
  const places = placesOf(sizes);
  const query = places.query(r, h);
  const scale = 1 / Math.sqrt(D);
  let most = Number.NEGATIVE_INFINITY;
  for (let s = first; s <= last; s++) {
    const key = places.key(s, h);
    let dot = 0;
    for (let d = 0; d < D; d++) dot += qkv[query + d]! * qkv[key + d]!;
    scores[s - first] = dot * scale;
    if (dot * scale > most) most = dot * scale;
  }
  return most;
}

function sizesOf({ tensor, attributes }: Call, qkv: string): AttentionSizes {
  const [R, W] = matrix(tensor(qkv));
  const [H, K] = [Number(attributes.heads), Number(attributes.keyValueHeads)];
  const causal = attributes.causal === true;
  return { R, T: Number(attributes.time), H, K, D: W / (H + 2 * K), causal };
}

export const ATTENTION_OPERATIONS: Readonly<Record<string, HostOperation>> = {
  Attention: (call) => {
    const { floats, make, bodies } = call;
    const sizes = sizesOf(call, "qkv");
    const mixed = make([sizes.R, sizes.H * sizes.D]);
    const logSums = make([sizes.R, sizes.H]);
    bodies.attention(floats(mixed), floats(logSums), floats("qkv"), sizes);
    return [mixed, logSums];
  },

  AttentionGradient: (call) => {
    const { tensor, floats, make, bodies } = call;
    const sizes = sizesOf(call, "qkv");
    const dqkv = make(matrix(tensor("qkv")));
    const inputs = [floats("dy"), floats("qkv"), floats("mixed"), floats("logSums")] as const;
    bodies.attentionGradient(floats(dqkv), ...inputs, sizes);
    return dqkv;
  },

  JoinHeads: (call) => {
    const { tensor, floats, make, attributes, bodies } = call;
    const [R, queries] = matrix(tensor("q"));
    const [, keys] = matrix(tensor("k"));
    const D = Number(attributes.headChannels);
    const sizes = { R, T: Number(attributes.time), H: queries / D, K: keys / D, D };
    const qkv = make([R, queries + 2 * keys]);
    const inputs = [floats("q"), floats("k"), floats("v")] as const;
    bodies.joinHeads(floats(qkv), ...inputs, optional(call, "angles"), sizes);
    return qkv;
  },

  SplitHeads: (call) => {
    const { floats, make, bodies } = call;
    const sizes = sizesOf(call, "dqkv");
    const { R, H, K, D } = sizes;
    const [dq, dk, dv] = [make([R, H * D]), make([R, K * D]), make([R, K * D])];
    const outputs = [floats(dq), floats(dk), floats(dv)] as const;
    bodies.splitHeads(...outputs, floats("dqkv"), optional(call, "angles"), sizes);
    return [dq, dk, dv];
  },
};
