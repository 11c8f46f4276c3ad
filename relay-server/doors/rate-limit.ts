/** Counts requests by name; `take` returns 0, or after how many seconds the next one is welcome. */
export type RateLimit = { take(name: string, now: number): number };

const MAX_NAMES = 20_000; // about 2 MB; the one that was used longest ago is forgotten first

/** A token bucket per name: `perMinute` at once, refilled evenly. */
export function createRateLimit(perMinute: number): RateLimit {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return {
    take(name, now) {
      const bucket = buckets.get(name) ?? { tokens: perMinute, at: now };
      const refilled = (Math.max(0, now - bucket.at) / 60_000) * perMinute;
      const tokens = Math.min(perMinute, bucket.tokens + refilled);
      buckets.delete(name); // so that the map's order is that of the last use
      buckets.set(name, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
      if (buckets.size > MAX_NAMES) buckets.delete(buckets.keys().next().value!);
      return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) * 60) / perMinute);
    },
  };
}
