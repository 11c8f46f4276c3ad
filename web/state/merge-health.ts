import type { ModelHealth } from "../../core/protocol/schemas/status.ts";
import { formatAge, formatCount, formatSpan, plural } from "../words/quantities.ts";
import type { Drift } from "./drift.ts";

/** What a maintainer reads first: whether a model's contributions become versions. */
export type MergeHealth = {
  readonly state: "healthy" | "slow" | "stopped";
  readonly title: "Healthy" | "Slow" | "Not merging" | "Getting worse";
  /** One or two plain sentences. */
  readonly why: string;
};

const COHORTS = 4; // undecided work is tried in four cohorts before it is refused
const LEAST_PATIENCE_S = 120; // shorter waits are the time that scoring and testing take
const STOPPED_AFTER = 5; // times the patience without any merge
const FEW = 10; // decided contributions; of fewer the share that was refused says little
const TESTS_IN_A_ROW = 4; // that do not pass: a single bad patch takes that many to find

/** Judge `health` at `nowMs`; `cohortSeconds` is the longest that the recipe lets a cohort wait to be full. */
export function judgeHealth(
  health: ModelHealth,
  cohortSeconds: number,
  nowMs: number,
  drift: Drift | null = null,
): MergeHealth {
  if (health.problem !== null) return stopped(sentence(health.problem));
  const merging = judgeMerging(health, cohortSeconds, nowMs);
  if (drift === null || merging.state === "stopped") return merging;
  const isAlarm = drift.state === "alarm";
  if (!isAlarm && merging.state === "slow")
    return { ...merging, why: `${merging.why} ${drift.why}` };
  return { state: isAlarm ? "stopped" : "slow", title: "Getting worse", why: drift.why };
}

function judgeMerging(health: ModelHealth, cohortSeconds: number, nowMs: number): MergeHealth {
  const patience = Math.max(COHORTS * cohortSeconds, LEAST_PATIENCE_S);
  const waits = sizeOf(health);
  const queue = `${plural(waits, "contribution")} ${waits === 1 ? "waits" : "wait"}, the oldest for ${formatSpan(health.oldestSeconds * 1000)}.`;
  if (waits > 0 && health.oldestSeconds > patience) {
    const isStill = (health.lastMergeAt ?? 0) < nowMs - STOPPED_AFTER * patience * 1000;
    const cause = causeOf(health);
    const why = cause === null ? queue : `${cause} ${queue}`;
    return health.oldestSeconds > STOPPED_AFTER * patience && isStill ? stopped(why) : slow(why);
  }
  const failed = failedInARow(health);
  if (failed >= TESTS_IN_A_ROW) return slow(failedWords(failed));
  const { merged24h: merged, refused24h: refused } = health;
  if (merged + refused >= FEW && refused > merged) {
    return slow(
      `More work is refused than merged: ${formatCount(refused)} against ${formatCount(merged)} in 24 hours.`,
    );
  }
  const last =
    health.lastMergeAt === null
      ? "Nothing was merged yet."
      : `Last merge ${formatAge(health.lastMergeAt, nowMs)}.`;
  return {
    state: "healthy",
    title: "Healthy",
    why: waits === 0 ? `Nothing waits. ${last}` : `${queue} ${last}`,
  };
}

/** Why work waits, where the figures tell. */
function causeOf(health: ModelHealth): string | null {
  const { received, scored, queued } = health.waiting;
  if (received > scored + queued) return "Work arrives faster than it is scored.";
  const failed = failedInARow(health);
  return failed > 1 ? failedWords(failed) : null;
}

/** Candidates since the last one that passed. */
function failedInARow({ gateTests }: ModelHealth): number {
  const passed = gateTests.findIndex(({ decision }) => decision === "pass");
  return passed === -1 ? gateTests.length : passed;
}

const failedWords = (count: number): string =>
  `The last ${formatCount(count)} candidates did not pass the gate.`;

function sizeOf({ waiting: { received, scored, queued } }: ModelHealth): number {
  return received + scored + queued;
}

const stopped = (why: string): MergeHealth => ({ state: "stopped", title: "Not merging", why });
const slow = (why: string): MergeHealth => ({ state: "slow", title: "Slow", why });

/** The relay's words as a sentence: a capital first, a full stop last. */
function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1).replace(/\.$/, "")}.`;
}
