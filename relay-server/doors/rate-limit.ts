import { NETWORKS_A_SITE, siteOf } from "../sites.ts";

/** Counts what is asked for by name. */
export type RateLimit = {
  /** 0 where it is welcome, or after how many seconds so much is. */
  take(name: string, now: number, cost?: number): number;
  /** So much was asked for elsewhere: as far as there is room, it counts here too. */
  spend(name: string, now: number, cost: number): void;
};

const MAX_NAMES = 50_000; // about 5 MB
const SWEEP_MS = 1000;
const LOOKED_AT = 16; // of the names that were used longest ago, when one must be forgotten

type Bucket = { tokens: number; at: number };

/** The same by network: a site has `NETWORKS_A_SITE` times what one of its networks has. */
export function createNetworkRates(perMinute: number): RateLimit {
  const networks = createRateLimit(perMinute);
  const sites = createRateLimit(NETWORKS_A_SITE * perMinute);
  return {
    take(network, now, cost) {
      const seconds = networks.take(network, now, cost);
      const site = siteOf(network);
      return seconds > 0 || site === null ? seconds : sites.take(site, now, cost);
    },
    spend(network, now, cost) {
      networks.spend(network, now, cost);
      const site = siteOf(network);
      if (site !== null) sites.spend(site, now, cost);
    },
  };
}

/**
 * A token bucket per name: `perMinute` at once, refilled evenly. What costs more than there can ever be is let through once
 * all is there. Forgotten are names whose bucket is full again, which changes nothing; only where there are too
 * many even so, one of those that have most left.
 */
export function createRateLimit(perMinute: number, maxNames = MAX_NAMES): RateLimit {
  const buckets = new Map<string, Bucket>();
  let sweptAt = Number.NEGATIVE_INFINITY;

  function tokensOf({ tokens, at }: Bucket, now: number): number {
    return Math.min(perMinute, tokens + (Math.max(0, now - at) / 60_000) * perMinute);
  }

  function forgetSome(now: number): void {
    if (Math.abs(now - sweptAt) >= SWEEP_MS) {
      sweptAt = now;
      for (const [name, bucket] of buckets) {
        if (tokensOf(bucket, now) >= perMinute) buckets.delete(name);
      }
    }
    while (buckets.size > maxNames) {
      let fullest = "";
      let most = -1;
      let looked = 0;
      for (const [name, bucket] of buckets) {
        if (tokensOf(bucket, now) > most) [fullest, most] = [name, tokensOf(bucket, now)];
        if (++looked === LOOKED_AT) break;
      }
      buckets.delete(fullest);
    }
  }

  const tokensNow = (name: string, now: number) =>
    tokensOf(buckets.get(name) ?? { tokens: perMinute, at: now }, now);

  function keep(name: string, bucket: Bucket): void {
    buckets.delete(name); // so that the map's order is that of the last use
    buckets.set(name, bucket);
    if (buckets.size > maxNames) forgetSome(bucket.at);
  }

  return {
    spend(name, now, cost) {
      keep(name, { tokens: Math.max(0, tokensNow(name, now) - cost), at: now });
    },
    take(name, now, cost = 1) {
      const tokens = tokensNow(name, now);
      const needed = Math.min(cost, perMinute);
      keep(name, { tokens: tokens >= needed ? tokens - needed : tokens, at: now });
      return tokens >= needed ? 0 : Math.ceil(((needed - tokens) * 60) / perMinute);
    },
  };
}
