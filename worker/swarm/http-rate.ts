type Loaded = { readonly sizeBytes: number; readonly fromMs: number; readonly toMs: number };

/** How fast HTTP is, as far as chunks have shown. */
export type HttpRate = {
  /** Bytes a ms; null before the first chunk. */
  current(): number | null;
  /** A chunk was asked for at `fromMs`, and its last byte came at `toMs`. */
  note(chunk: Loaded): void;
};

const KEPT = 12; // chunks: two batches of six requests

/** The best rate of the last chunks, each taken with its share of what was loaded beside it. */
export function createHttpRate(): HttpRate {
  let last: Loaded[] = [];
  let best: number | null = null;

  return {
    current: () => best,
    note(chunk) {
      last = [...last, chunk].slice(-KEPT);
      const bytes = last.reduce((sum, other) => sum + other.sizeBytes * overlap(other, chunk), 0);
      best = Math.max(best ?? 0, bytes / Math.max(1, chunk.toMs - chunk.fromMs));
    },
  };
}

/** The share of the time of `one` that lies within that of `other`. */
function overlap(one: Loaded, other: Loaded): number {
  if (one.toMs === one.fromMs) return one.toMs >= other.fromMs && one.toMs <= other.toMs ? 1 : 0;
  const ms = Math.min(one.toMs, other.toMs) - Math.max(one.fromMs, other.fromMs);
  return Math.max(0, ms) / (one.toMs - one.fromMs);
}
