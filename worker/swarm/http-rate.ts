type LoadedChunk = {
  readonly sizeBytes: number;
  /** When it was asked for, when its first byte came, and its last. */
  readonly fromMs: number;
  readonly firstMs: number;
  readonly toMs: number;
};

/** How fast HTTP alone would be, as far as chunks have shown. */
export type HttpRate = {
  /** Bytes a ms; null before the first chunk. */
  current(): number | null;
  note(chunk: LoadedChunk): void;
};

const BATCH = 6; // chunks that a load without a swarm asks for at once
const KEPT = 2 * BATCH;

/**
 * The best rate of the last chunks. Each shows the line's rate c in bytes a ms, with its share of what came beside it, and the
 * delay L before its first byte. A batch of n chunks of S bytes waits for L once, and so has n S / (L + n S / c).
 */
export function createHttpRate(): HttpRate {
  let last: LoadedChunk[] = [];
  let best: number | null = null;

  return {
    current: () => best,
    note(chunk) {
      last = [...last, chunk].slice(-KEPT);
      const bytes = last.reduce((sum, other) => sum + other.sizeBytes * overlap(other, chunk), 0);
      const lineRate = bytes / Math.max(1, chunk.toMs - chunk.firstMs);
      const batchBytes = BATCH * chunk.sizeBytes;
      const batchMs = chunk.firstMs - chunk.fromMs + batchBytes / lineRate;
      best = Math.max(best ?? 0, batchBytes / batchMs);
    },
  };
}

/** The share of the bytes of `one` that came while those of `other` did. */
function overlap(one: LoadedChunk, other: LoadedChunk): number {
  if (one.toMs === one.firstMs) return one.toMs >= other.firstMs && one.toMs <= other.toMs ? 1 : 0;
  const ms = Math.min(one.toMs, other.toMs) - Math.max(one.firstMs, other.firstMs);
  return Math.max(0, ms) / (one.toMs - one.firstMs);
}
