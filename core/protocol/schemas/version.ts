import * as z from "zod/mini";
import { MAX_ANCESTORS, MAX_PACKETS } from "../limits.ts";
import { mask } from "./mask.ts";
import {
  count,
  hash,
  modelId,
  positive,
  publicKey,
  relayUrl,
  shortText,
  signature,
  timeMs,
} from "./primitives.ts";
import { mergeRule } from "./recipe.ts";

/** How good a version is on one held-out set. */
export const metrics = z.strictObject({
  examples: positive,
  /** Mean loss in nats per example (images) or per token (text). */
  lossNats: z.number(),
  /** Share of examples answered right. */
  accuracy: z.number(),
});
export type Metrics = z.infer<typeof metrics>;

/** The fork that a proposed contribution was made for, by its version 0, which the fork's relay signed (protocol K3). */
export const forkName = z.strictObject({
  relayKey: publicKey,
  model: modelId,
  /** Id of the fork's version 0. */
  version: hash,
  signature,
});
export type ForkName = z.infer<typeof forkName>;

const mergeInput = z.strictObject({
  contribution: hash,
  contributor: publicKey,
  signature,
  /** Number of the version that it was trained on: its mask is that version's. */
  base: count,
  /** Where it was made for a fork of this model, and proposed from there. */
  fork: z.optional(forkName),
  multiplier: z.int().check(z.minimum(0), z.maximum(4096)),
});
export type MergeInputRecord = z.infer<typeof mergeInput>;

/**
 * What is divided by at a position: 4096 × the patches that cover it, of these only those that the rule
 * counts, or the sum of their Fisher weights.
 */
const denominator = z.enum(["4096*coverage", "4096*counted", "4096*fisher"]);
export type Denominator = z.infer<typeof denominator>;

const merge = z.strictObject({
  rule: mergeRule,
  outerStep: z.number(),
  denominator,
  /** How the change is published (protocol G21); versions from before there was a choice replaced values in full. */
  step: z.optional(z.literal("4-bit")),
  /** In ascending order of contribution id. */
  inputs: z.array(mergeInput).check(z.minLength(1), z.maxLength(16384)),
});

/** Contributions that are taken out again, in ascending order of id (protocol V7). */
const revert = z.strictObject({
  contributions: z.array(hash).check(z.minLength(1), z.maxLength(16384)),
});

/** The secret seed of the relay's own pieces on this version (protocol V11). */
const reference = z.strictObject({
  /** SHA-256 of this version's seed. */
  commitment: hash,
  /** The seed of an earlier version, once no work on it can come in any more. */
  revealed: z.optional(z.strictObject({ version: count, seed: hash })),
});

/** One sequential test of a candidate against one earlier version on one suite (protocol G8). */
export const suiteTest = z.strictObject({
  /** `gate`, `protected`, or the name of a contributed suite. */
  suite: modelId,
  /** The parent, the last release, or the best version since that, and its number. */
  against: z.enum(["parent", "release", "best"]),
  version: count,
  decision: z.enum(["pass", "fail", "undecided"]),
  examples: count,
  /** Mean of candidate − earlier version, nats per example. */
  meanDifferenceNats: z.number(),
  /** ln of the running likelihood that the candidate is not worse by the margin; it passes at `passAt`. */
  logEvidence: z.number(),
  passAt: z.number(),
  /** Whether all that it saw were packets that no gate had seen before (protocol G24); absent in older records. */
  examplesWere: z.optional(z.enum(["fresh", "reused"])),
  /** What the candidate was shown to stay below, and the most that one example counted; where the examples were fresh. */
  marginNats: z.optional(z.number()),
  clipNats: z.optional(z.number()),
});
export type SuiteTest = z.infer<typeof suiteTest>;

/** What the last release had right and the candidate has wrong (protocol G9). */
export const flipCount = z.strictObject({
  /** Number of the release. */
  version: count,
  flips: count,
  rightBefore: count,
  /** Most of `rightBefore` that may flip, as a share of it. */
  budget: z.number(),
});
export type FlipCount = z.infer<typeof flipCount>;

/** What the relay attests, not what others can recompute. */
const gateReport = z.strictObject({
  decision: z.literal("pass"),
  examples: positive,
  /** Mean of candidate − parent, nats per example. */
  meanDifferenceNats: z.number(),
  /** Cohort splits that the gate needed. */
  evaluations: positive,
  /** Each test that the candidate passed; versions before there were several have none. */
  tests: z.optional(z.array(suiteTest)),
  /** Where the recipe has a budget. */
  flips: z.optional(flipCount),
});

/** How many packets of each suite were opened up to a version, that version's own among them (protocol G24). */
const openedPackets = z.strictObject({ gate: count, protected: z.optional(count) });
export type OpenedPackets = z.infer<typeof openedPackets>;

/** The recipe's own suites that gates test on; a contributed one is open to everybody. */
export const GATE_SUITES = ["gate", "protected"] as const;

/** A suite as the record that adds it promises it: what each packet, and the reserve, hash to. */
const sealedSuite = z.strictObject({
  suite: z.enum(GATE_SUITES),
  /** Examples of a packet, and of the reserve. */
  packetExamples: positive,
  reserveExamples: positive,
  packets: z.array(hash).check(z.maxLength(MAX_PACKETS)),
  reserve: hash,
});
export type SealedSuite = z.infer<typeof sealedSuite>;

/** A version of another history that a fork goes back to (protocol V14). */
export const ancestor = z.strictObject({
  /** The key that signs that history. */
  relayKey: publicKey,
  model: modelId,
  number: count,
  /** The version's id, which the key signed. */
  id: hash,
  signature,
  /** Of the model, as its recipe named it. */
  licence: shortText,
  /** Where it was found. */
  url: relayUrl,
});
export type Ancestor = z.infer<typeof ancestor>;

/** A version without its signature: its RFC 8785 form is hashed to the version's id. */
export const versionRecord = z.strictObject({
  format: z.literal("commonweight.version/1"),
  model: modelId,
  number: count,
  /** Id of the parent; null for version 0. */
  parent: z.nullable(hash),
  createdAt: timeMs,
  /** The key that signs this history; version 0 introduces it. */
  relayKey: publicKey,
  /** Id of the checkpoint: SHA-256 of its canonical manifest. */
  checkpoint: hash,
  /** The mask of work that is based on this version. */
  mask,
  /** Null for version 0 and for a version that reverts. */
  merge: z.nullable(merge),
  /** Only in a version that reverts: its checkpoint is the replay of its history without them. */
  revert: z.optional(revert),
  /** Where the recipe has references; versions from before their seeds were secret have none. */
  reference: z.optional(reference),
  /** In version 0 of a fork: the version that it began as, then what that one's own model was forked from, and so on. */
  lineage: z.optional(z.array(ancestor).check(z.minLength(1), z.maxLength(MAX_ANCESTORS))),
  /** In version 0: the suites that gates test on. */
  suites: z.optional(z.array(sealedSuite).check(z.minLength(1), z.maxLength(2))),
  /** In every version of a history whose version 0 has suites. */
  packets: z.optional(openedPackets),
  evaluation: z.strictObject({
    report: metrics,
    /** Null for version 0, and for a revert that the gate did not pass and a maintainer insisted on. */
    gate: z.nullable(gateReport),
  }),
});
export type VersionRecord = z.infer<typeof versionRecord>;

export const signedVersion = z.strictObject({ record: versionRecord, signature });
export type SignedVersion = z.infer<typeof signedVersion>;

/** A line of the history, newest first. */
export const versionSummary = z.object({
  number: count,
  id: hash,
  parent: z.nullable(hash),
  createdAt: timeMs,
  contributions: count,
  contributors: count,
  report: z.object(metrics.shape),
});
export type VersionSummary = z.infer<typeof versionSummary>;

export const versionList = z.object({
  versions: z.array(versionSummary),
  /** Pass as `before` to read on; null at version 0. */
  next: z.nullable(count),
});
export type VersionList = z.infer<typeof versionList>;
