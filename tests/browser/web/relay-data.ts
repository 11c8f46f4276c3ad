/** What the stage's relay answers: a model with two merged versions, and trouble with scoring. */

import type { AlertLimits } from "../../../core/protocol/schemas/alerts.ts";
import type { Cloth } from "../../../core/protocol/schemas/cloth.ts";
import type { Flow } from "../../../core/protocol/schemas/flow.ts";
import type { Now } from "../../../core/protocol/schemas/now.ts";
import type { ProposalLife } from "../../../core/protocol/schemas/proposal.ts";
import type { Health, ModelCard, ModelHealth } from "../../../core/protocol/schemas/status.ts";
import type { SuiteLife } from "../../../core/protocol/schemas/suite.ts";
import type {
  Ancestor,
  SignedVersion,
  SuiteTest,
  VersionSummary,
} from "../../../core/protocol/schemas/version.ts";
import type { Piece } from "../../../worker/api.ts";
import { plainScore } from "../../fixtures/plain-score.ts";

export const contributor = "ab12".repeat(16);

export const summary = (number: number): VersionSummary => ({
  number,
  id: number.toString(16).padStart(64, "f"),
  parent: null,
  createdAt: 1_000,
  contributions: number === 0 ? 0 : 3,
  contributors: number === 0 ? 0 : 2,
  report: { examples: 3000, lossNats: 0.5 - number / 100, accuracy: 0.86 + number / 100 },
});

export const card: ModelCard = {
  recipe: {
    format: "commonweight.recipe/1",
    id: "digits",
    title: "Digits",
    summary: "Reads handwritten digits.",
    licence: "CC0-1.0",
    welcome: "Suites of faint digits.",
    limits: "It reads no letters.",
    architecture: { kind: "mlp", inputs: 784, hidden: [8], outputs: 10 },
    data: {
      source: "MNIST",
      licence: "CC-BY-SA-3.0",
      heldOut: { score: 1, gate: 1, report: 3000 },
      shardsPerTicket: 2,
    },
    training: { steps: 50, batch: 32, learningRate: 0.01 },
    mask: { kind: "random", density: 0.02, epochVersions: 1 },
    merge: {
      rule: "mean",
      outerStep: 1,
      cohortSize: 10,
      cohortSeconds: 30,
      stalenessLimit: 4,
      clipFactor: 2,
      newcomerWeight: 0.5,
    },
    score: plainScore,
    gate: { marginNats: 0.01, alpha: 0.05, beta: 0.1, maxExamples: 1 },
  },
  lineage: [],
  parameters: 200_000,
  base: summary(0),
  head: summary(2),
  shards: 1,
  contributors: 2,
  merged: 6,
};
const shard = { index: 0, sha256: "0".repeat(64), sizeBytes: 50_000, examples: 600, title: "1" };
export const modelHealth: ModelHealth = {
  model: "digits",
  head: 2,
  waiting: { received: 5, scored: 0, queued: 0 },
  oldestSeconds: 600,
  lastMergeAt: null,
  merged24h: 0,
  refused24h: 0,
  release: null,
  standard: 0,
  onMask24h: null,
  turnedAway: 0,
  scoreSeconds: null,
  gateTests: [],
  packets: [],
  caught: [],
  swarm: null,
  paused: false,
  retired: null,
  acts: 0,
  problem: "Scoring has stopped.",
};
export const health: Health = {
  status: "degraded",
  software: "commonweight 0.1.0",
  protocol: { oldest: 1, newest: 1 },
  relayKey: contributor,
  time: 1,
  swarm: null,
  models: [modelHealth],
};

const PASS_AT = -Math.log(0.025);
export const suiteTest = (change: Partial<SuiteTest> = {}): SuiteTest => ({
  suite: "gate",
  against: "parent",
  version: 1,
  decision: "pass",
  examples: 320,
  meanDifferenceNats: -0.0012,
  logEvidence: 3.8,
  passAt: PASS_AT,
  ...change,
});
const flips = { version: 0, flips: 3, rightBefore: 2900, budget: 0.01 };

/** Version 2 in full: three patches, tested against its parent and against version 0. */
export const version2: SignedVersion = {
  record: {
    format: "commonweight.version/1",
    model: "digits",
    number: 2,
    parent: summary(1).id,
    createdAt: 1_000,
    relayKey: contributor,
    checkpoint: "c".repeat(64),
    mask: { kind: "shared", positions: "e".repeat(64), count: 4_000 },
    merge: {
      rule: "mean",
      outerStep: 1,
      denominator: "4096*coverage",
      inputs: ["1", "2", "3"].map((digit) => ({
        contribution: digit.repeat(64),
        contributor,
        signature: "5".repeat(128),
        base: 1,
        multiplier: 2048,
      })),
    },
    evaluation: {
      report: summary(2).report,
      gate: {
        decision: "pass",
        examples: 320,
        meanDifferenceNats: -0.0012,
        evaluations: 1,
        tests: [
          suiteTest(),
          suiteTest({ against: "release", version: 0 }),
          suiteTest({ suite: "protected", examples: 24, meanDifferenceNats: 0.0004 }),
        ],
        flips,
      },
    },
  },
  signature: "5".repeat(128),
};
export const alertLimits: AlertLimits = {
  "no-merge": 4,
  refusals: 3,
  drift: 4,
  flips: 0.5,
  backlog: 600,
  disk: 0.9,
  network: 0.3,
};

/** Version 2 touched the first tenth of the model. */
export const cloth2: Cloth = {
  weights: 200_000,
  touched: "f".repeat(115).padEnd(1152, "0"),
  most: "00".repeat(115).padEnd(2304, "f"),
  contributors: [contributor],
};

/** One volunteer trains, and another one's patch waits for the merge. */
export const now: Now = {
  model: "digits",
  training: { count: 1, contributors: [{ contributor, name: "Ada" }] },
  cohort: { size: 10, queued: 1, contributors: ["cd".repeat(32)], closesInSeconds: 20 },
};

const DAY_MS = 24 * 3600_000;
/** A day of ten patches: two lost, one that waits, seven merged. */
export const flow: Flow = {
  model: "digits",
  since: 0,
  until: DAY_MS,
  stages: [
    { stage: "received", passed: 10, waiting: 0, lost: [{ code: "copied", count: 1 }] },
    { stage: "well-formed", passed: 9, waiting: 0, lost: [] },
    { stage: "screened", passed: 9, waiting: 0, lost: [{ code: "harmful", count: 1 }] },
    { stage: "scored", passed: 8, waiting: 1, lost: [] },
    { stage: "queued", passed: 7, waiting: 0, lost: [] },
    { stage: "merged", passed: 7, waiting: 0, lost: [] },
  ],
  verdictSeconds: { p50: 3.1, p95: 12.4 },
  mergeSeconds: { p50: 31, p95: 190 },
  parts: Array.from({ length: 24 }, (_, hour) => ({
    at: (hour * DAY_MS) / 24,
    received: hour % 3,
    merged: hour % 2,
    refused: 0,
    verdictSeconds: 3,
    mergeSeconds: hour === 0 ? null : 30,
  })),
};

export const answers: Record<string, unknown> = {
  "/models/digits/versions/2/cloth": cloth2,
  "/models/digits/versions": { versions: [summary(2), summary(1), summary(0)], next: null },
  "/models/digits/versions/2": version2,
  "/models/digits/shards": {
    model: "digits",
    source: "MNIST",
    licence: "x",
    shards: [{ ...shard, trained: 0, contributors: 0 }],
  },
  "/health": health,
  "/models/digits/suites": { suites: [] },
  "/models/digits/acts": { acts: [] },
  "/alerts": { limits: alertLimits, alerts: [] },
  "/refused-work?model=digits": { model: "digits", groups: [] },
  "/now?model=digits": now,
  "/flow?model=digits": flow,
  "/leaderboard?model=digits&window=all": {
    model: "digits",
    window: "all",
    entries: [{ rank: 1, contributor, credit: 1200, merged: 4, lastMergedAt: 1 }],
  },
  "/leaderboard?model=digits&window=24h": { model: "digits", window: "24h", entries: [] },
  [`/contributions?contributor=${contributor}`]: { contributions: [] },
};

/** A suite that waits for a maintainer. */
export const waitingSuite: SuiteLife = {
  id: "5".repeat(64),
  header: {
    format: "commonweight.suite/1",
    model: "digits",
    name: "slanted-sevens",
    contributor,
    marginNats: 0.05,
    reason: "Forms in our office are slanted.",
    licence: "CC-BY-4.0",
    use: "Reading handwritten forms.",
  },
  signature: "00".repeat(64),
  examples: 400,
  sizeBytes: 320_000,
  state: "waiting",
  message: null,
  findings: {
    version: 2,
    setAside: [7],
    head: { examples: 399, lossNats: 0.5, accuracy: 0.8 },
    release: { version: 0, examples: 399, lossNats: 0.4, accuracy: 0.85 },
  },
  proposedAt: 1_000,
  decidedAt: null,
  stopped: 0,
};

/** A fork's patch that waits for a maintainer. */
export const waitingProposal: ProposalLife = {
  id: "6".repeat(64),
  model: "digits",
  contributor,
  fork: {
    relayKey: "ef".repeat(32),
    model: "my-digits",
    version: "7".repeat(64),
    signature: "00".repeat(64),
  },
  base: 1,
  examples: 600,
  sizeBytes: 3_000,
  state: "waiting",
  message: null,
  proposedAt: 1_000,
  decidedAt: null,
};

/** A version of another relay's model that a fork began as. */
export const upstream: Ancestor = {
  relayKey: "ef".repeat(32),
  model: "figures",
  number: 12,
  id: "8".repeat(64),
  signature: "00".repeat(64),
  licence: "CC0-1.0",
  url: "https://upstream.example:8443/models",
};

/** A piece of this browser's that the relay has queued. */
export const queuedPiece: Piece = {
  id: "c0ffee".padEnd(64, "0"),
  model: "digits",
  base: 2,
  createdAt: 10,
  sizeBytes: 3000,
  downloadedBytes: 900_000,
  lossBefore: 0.5,
  lossAfter: 0.4,
  times: { askMs: 1, downloadMs: 1, trainMs: 30_000, encodeMs: 1, uploadMs: 1 },
  sent: "sent",
  state: "queued",
  refusal: null,
};
