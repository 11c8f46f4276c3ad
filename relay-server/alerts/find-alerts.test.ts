import { expect, test } from "vitest";
import type { AlertLimits } from "../../core/protocol/schemas/alerts.ts";
import type { GateTest, ModelHealth } from "../../core/protocol/schemas/status.ts";
import type { VersionSummary } from "../../core/protocol/schemas/version.ts";
import { findModelAlerts, findRelayAlerts, type ModelFigures } from "./find-alerts.ts";

const HOUR_MS = 3600_000;
const AT = 100 * HOUR_MS;
const NEVER: AlertLimits = {
  "no-merge": null,
  refusals: null,
  drift: null,
  flips: null,
  backlog: null,
  disk: null,
  network: null,
};
const health: ModelHealth = {
  model: "digits",
  head: 3,
  waiting: { received: 0, scored: 0, queued: 0 },
  oldestSeconds: 0,
  lastMergeAt: null,
  merged24h: 0,
  refused24h: 0,
  turnedAway: 0,
  release: null,
  standard: 0,
  onMask24h: null,
  scoreSeconds: 2,
  gateTests: [],
  packets: [],
  caught: [],
  swarm: null,
  paused: false,
  retired: null,
  acts: 0,
  problem: null,
};

/** Versions of these accuracies, oldest first, ten minutes apart, the newest an hour ago. */
function versionsOf(...accuracies: readonly number[]): VersionSummary[] {
  const newest = accuracies.length - 1;
  return accuracies
    .map((accuracy, number) => ({
      number,
      id: String(number),
      parent: null,
      createdAt: AT - HOUR_MS - (newest - number) * 600_000,
      contributions: 1,
      contributors: 1,
      report: { examples: 3000, lossNats: 1 - accuracy, accuracy },
    }))
    .toReversed();
}

function found(limits: Partial<AlertLimits>, change: Partial<ModelFigures> = {}) {
  const figures: ModelFigures = {
    at: AT,
    health,
    cohortSeconds: 60,
    versions: versionsOf(0.9, 0.91, 0.92, 0.93),
    released: null,
    refused: [],
    refusedSince: AT - 24 * HOUR_MS,
    made: [],
    out: { most: 0, all: 0 },
    ...change,
  };
  return findModelAlerts(figures, { ...NEVER, ...limits });
}

test("H48: no merge is told once work has waited for the limit times the usual time, and not of a quiet or a held model", () => {
  const waits = (oldestSeconds: number, change: Partial<ModelHealth> = {}) => ({
    health: { ...health, oldestSeconds, ...change },
  });
  expect(found({ "no-merge": 4 }, waits(3600))).toEqual([
    {
      kind: "no-merge",
      model: "digits",
      about: "",
      why: "Work has waited for 60 minutes without a merge; a version usually takes 10 minutes.",
      contributions: [],
    },
  ]);
  expect(found({ "no-merge": 7 }, waits(3600))).toEqual([]);
  expect(found({ "no-merge": 4 }, waits(60))).toEqual([]); // a quiet hour, then the first piece
  expect(found({ "no-merge": 4 }, waits(0))).toEqual([]);
  expect(found({ "no-merge": 4 }, waits(3600, { paused: true }))).toEqual([]);
  expect(found({ "no-merge": 4 }, waits(3600, { retired: "done" }))).toEqual([]);
  const patient = { ...waits(3600), cohortSeconds: 1800 };
  expect(found({ "no-merge": 4 }, patient)).toEqual([]); // the recipe's own wait is usual
});

test("H48: a reason that refuses far more in this hour than before is told with the pieces behind it", () => {
  const row = (code: string, hoursAgo: number, n: number) => ({
    id: `${code} ${hoursAgo} ${n}`,
    contributor: "a",
    code,
    at: AT - hoursAgo * HOUR_MS,
  });
  const refused = [
    ...Array.from({ length: 7 }, (_, n) => row("harmful", 0.5, n)),
    ...Array.from({ length: 2 }, (_, n) => row("copied", 0.5, n)),
    ...Array.from({ length: 23 }, (_, n) => row("harmful", n + 1.5, 0)),
  ];
  expect(found({ refusals: 3 }, { refused })).toMatchObject([
    {
      about: "reason harmful",
      why: "7 pieces of work were refused as harmful in the last hour; 1.0 an hour is usual.",
      contributions: [0, 1, 2, 3, 4].map((n) => `harmful 0.5 ${n}`),
    },
  ]);
  expect(found({ refusals: 7 }, { refused })).toEqual([]);
  const unknown = { refused, refusedSince: AT - 1.5 * HOUR_MS };
  expect(found({ refusals: 3 }, unknown)).toEqual([]); // too little is known of what is usual
  const [alert] = found({ refusals: 3 }, { refused, refusedSince: AT - 3 * HOUR_MS });
  expect(alert?.why).toContain("1.0 an hour is usual"); // rows from before are not all of them
});

test("H48: a device and a build of which far more is refused than of the others are told", () => {
  const made = (device: string, refused: number, all: number) =>
    Array.from({ length: all }, (_, n) => ({
      id: `${device} ${n}`,
      device,
      software: "commonweight 1",
      isRefused: n < refused,
      at: AT,
    }));
  const odd = { made: [...made("odd", 9, 10), ...made("plain", 5, 200)] };
  expect(found({ refusals: 3 }, odd).map(({ about, why }) => [about, why])).toEqual([
    [
      "device odd",
      "Of the device “odd”, 9 of 10 pieces of work were refused, far more than of the others.",
    ],
  ]);
  const oneName = odd.made.map((row) => (row.device === "odd" ? { ...row, software: "odd" } : row));
  const abouts = found({ refusals: 3 }, { made: oneName }).map(({ about }) => about);
  expect(abouts).toEqual(["device odd", "build odd"]);
  const few = { made: [...made("odd", 4, 4), ...made("plain", 5, 200)] };
  expect(found({ refusals: 3 }, few)).toEqual([]);
});

test("H48: a head behind the best version or the release is told", () => {
  const falling = { versions: versionsOf(0.9, 0.96, 0.95, 0.94) };
  expect(found({ drift: 4 }, falling)).toMatchObject([
    { why: "Version 3 is 2.00 points worse than version 1, the best of late." },
  ]);
  expect(found({ drift: 6 }, falling)).toEqual([]);
  const [released = null] = versionsOf(0.99);
  const afterRelease = {
    released,
    health: { ...health, release: { version: 0, tag: "1.0.0" } },
  };
  expect(found({ drift: 4 }, afterRelease)).toMatchObject([
    { why: "Version 3 is 6.00 points worse than the release 1.0.0." },
  ]);
});

test("H48: half of the flip budget, a backlog, a network's share and a full disk are told at their limits", () => {
  const flips = { version: 1, flips: 15, rightBefore: 1000, budget: 0.03 };
  const gateTest: GateTest = {
    at: 1,
    head: 3,
    contributions: 2,
    decision: "pass",
    tests: [],
    flips,
  };
  const flipped = { health: { ...health, gateTests: [gateTest] } };
  expect(found({ flips: 0.5 }, flipped)).toMatchObject([
    { why: "The newest candidate used 50% of the flip budget since version 1." },
  ]);
  expect(found({ flips: 0.51 }, flipped)).toEqual([]);

  const behind = { health: { ...health, waiting: { received: 290, scored: 10, queued: 50 } } };
  expect(found({ backlog: 600 }, behind)).toMatchObject([
    { why: "Judging what waits takes 10 minutes." },
  ]);
  expect(found({ backlog: 601 }, behind)).toEqual([]);

  expect(found({ network: 0.3 }, { out: { most: 4, all: 10 } })).toMatchObject([
    { why: "One network holds 40% of the work that is under way." },
  ]);
  expect(found({ network: 0.3 }, { out: { most: 3, all: 10 } })).toEqual([]);
  expect(found({ network: 0.3 }, { out: { most: 2, all: 2 } })).toEqual([]); // two at home

  expect(findRelayAlerts({ used: 0.95 }, { ...NEVER, disk: 0.9 })).toMatchObject([
    { kind: "disk", model: null, why: "The relay's disk is 95% full." },
  ]);
  expect(findRelayAlerts({ used: 0.89 }, { ...NEVER, disk: 0.9 })).toEqual([]);
  expect(findRelayAlerts({ used: null }, { ...NEVER, disk: 0 })).toEqual([]);
});
