import * as z from "zod/mini";
import { caughtKey } from "./caught.ts";
import { contribution } from "./contribution.ts";
import { count, longText, modelId, positive, publicKey, shortText, timeMs } from "./primitives.ts";
import { recipe } from "./recipe.ts";
import { iceServers, swarmFigures } from "./swarm.ts";
import { shard } from "./ticket.ts";
import { ancestor, flipCount, suiteTest, versionSummary } from "./version.ts";

export const modelCard = z.object({
  recipe,
  parameters: positive,
  base: versionSummary,
  /** What a fork began as, and what that one's model was forked from; empty where it is none. */
  lineage: z._default(z.array(z.object(ancestor.shape)), []),
  head: versionSummary,
  shards: positive,
  contributors: count,
  merged: count,
});
export type ModelCard = z.infer<typeof modelCard>;
export const modelList = z.object({ models: z.array(modelCard) });

/** A candidate that the gate tested, whether it passed or not. */
export const gateTest = z.object({
  at: timeMs,
  /** Number of the head that it would have replaced. */
  head: count,
  /** Contributions in it. */
  contributions: count,
  decision: z.enum(["pass", "fail", "undecided"]),
  tests: z.array(z.object(suiteTest.shape)),
  flips: z.nullable(z.object(flipCount.shape)),
});
export type GateTest = z.infer<typeof gateTest>;

export const modelHealth = z.object({
  model: modelId,
  head: count,
  /** Contributions by where they wait. */
  waiting: z.object({ received: count, scored: count, queued: count }),
  /** Age of the oldest contribution that waits, in seconds; 0 when none does. */
  oldestSeconds: count,
  lastMergeAt: z.nullable(timeMs),
  merged24h: count,
  refused24h: count,
  /** Requests for work of the last ten minutes that found no room in the queue; 0 of a relay that does not count them. */
  turnedAway: z._default(count, 0),
  /** The version that was tagged last; null before the first. */
  release: z.nullable(z.object({ version: count, tag: shortText })),
  /**
   * The version that candidates are compared with beside the head: the last release; before the first version 0, and after
   * a revert that a maintainer insisted on that revert.
   */
  standard: count,
  /** Share of the day's work that arrived on the mask in force; null without any. */
  onMask24h: z.nullable(z.number()),
  /** Relay time that judging one contribution takes, in seconds; null before the first. */
  scoreSeconds: z.nullable(z.number()),
  /** What the gate looked at last, newest first, at most 8. */
  gateTests: z.array(gateTest),
  /** The packets of each suite that gates test on, and how many are open or spent (J12); empty where the history promised none. */
  packets: z._default(
    z.array(z.object({ suite: suiteTest.shape.suite, opened: count, packets: count })),
    [],
  ),
  /** Who failed a spot check and has merged work in the model, newest first, at most 20. */
  caught: z._default(z.array(caughtKey), []),
  /** What volunteers passed on to each other; null of a relay that does not bring them together. */
  swarm: z._default(z.nullable(swarmFigures), null),
  /** A maintainer paused it: no work is given out. */
  paused: z.boolean(),
  /** Why it is retired, in a maintainer's words: no work is given out any more; null where it is not. */
  retired: z._default(z.nullable(longText), null),
  /** Signed acts of its maintainers; with another number a reader reads the card anew. */
  acts: z._default(count, 0),
  /** Why nothing is merged, in plain words; null when merging is healthy. */
  problem: z.nullable(z.string()),
});
export type ModelHealth = z.infer<typeof modelHealth>;

export const health = z.object({
  status: z.enum(["ok", "degraded"]),
  software: shortText,
  protocol: z.object({ oldest: positive, newest: positive }),
  relayKey: publicKey,
  time: timeMs,
  /** How volunteers find each other; null of a relay that does not bring them together. */
  swarm: z._default(
    z.nullable(
      z.object({
        iceServers,
        /** Peers that are connected to the relay's signalling. */
        peers: count,
      }),
    ),
    null,
  ),
  models: z.array(modelHealth),
});
export type Health = z.infer<typeof health>;

export const leaderboardWindow = z.enum(["24h", "7d", "all"]);
export type LeaderboardWindow = z.infer<typeof leaderboardWindow>;
export const leaderboard = z.object({
  model: modelId,
  window: leaderboardWindow,
  entries: z.array(
    z.object({
      rank: positive,
      contributor: publicKey,
      /** Null where none was chosen. */
      name: z._default(z.nullable(shortText), null),
      credit: z.number(),
      merged: count,
      lastMergedAt: timeMs,
    }),
  ),
});
export type Leaderboard = z.infer<typeof leaderboard>;

export const shardLedger = z.object({
  model: modelId,
  source: z.string(),
  licence: shortText,
  shards: z.array(z.object({ ...shard.shape, trained: count, contributors: count })),
});
export type ShardLedger = z.infer<typeof shardLedger>;

/** The body of every error answer. */
export const errorBody = z.object({
  error: z.object({ code: z.string(), message: z.string() }),
});

/** What `GET /events` sends, by its `event:` name. */
export const events = {
  version: z.object({ model: modelId, version: versionSummary }),
  contribution: z.object({ contribution }),
  leaderboard: z.object({ model: modelId }),
  health: modelHealth,
} as const;
/**
 * The `event:` name of what every reader is sent each HEARTBEAT_MS, without a number: an event and no comment,
 * so that browsers pass it on, and a reader that misses several knows that its line is dead.
 */
export const HEARTBEAT = "heartbeat";
export const HEARTBEAT_MS = 15_000; // proxies cut connections that are silent for 30–60 s
/**
 * The `event:` name of what a returning reader is sent, without a number, when the relay does not remember all that it
 * missed: it reads anew what it shows.
 */
export const GAP = "gap";
export type RelayEvent =
  | { readonly type: "version"; readonly data: z.infer<typeof events.version> }
  | { readonly type: "contribution"; readonly data: z.infer<typeof events.contribution> }
  | { readonly type: "leaderboard"; readonly data: z.infer<typeof events.leaderboard> }
  | { readonly type: "health"; readonly data: z.infer<typeof events.health> };
