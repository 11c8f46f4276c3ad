import * as z from "zod/mini";
import { count, hash, modelId, positive, publicKey, signature, timeMs } from "./primitives.ts";
import { metrics } from "./version.ts";

/** What held-out sets of the recipe are called: no contributed suite is. */
const RESERVED = ["score", "gate", "protected", "report"];

/** What a suite is called in records, for ever. */
export const suiteName = modelId.check(
  z.refine((name) => !RESERVED.includes(name), { error: "the name of a set of the recipe" }),
);

/** One line: what is in it can be shown in a list or on a terminal as it is. */
const words = (most: number) =>
  z
    .string()
    .check(
      z.maxLength(most),
      z.regex(/\S/),
      z.regex(/^[^\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]*$/u),
    );

/** What a contributor says of a suite, inside its file (protocol U1). */
export const suiteHeader = z.strictObject({
  format: z.literal("commonweight.suite/1"),
  model: modelId,
  name: suiteName,
  contributor: publicKey,
  /** How much worse a version may get on it, in nats per example. */
  marginNats: z.number().check(z.gt(0)),
  /** Why it is needed. */
  reason: words(600),
  /** Of the examples, as SPDX names it. */
  licence: words(120),
  /** What the examples stand for: what somebody does with the model. */
  use: words(600),
});
export type SuiteHeader = z.infer<typeof suiteHeader>;

/** What the relay found about a suite that somebody proposed (protocol U4). */
export const suiteFindings = z.strictObject({
  /** Number of the version that it was looked at with. */
  version: count,
  /** Rows of the file that equal models disagree about: they are not used. */
  setAside: z.array(count),
  /** How that version does on the rest. */
  head: z.strictObject(metrics.shape),
  /** How the last release does, or what stands for it, and its number. */
  release: z.strictObject({ version: count, ...metrics.shape }),
});
export type SuiteFindings = z.infer<typeof suiteFindings>;

/** A suite that was proposed, and what became of it. */
export const suiteLife = z.object({
  /** SHA-256 of its file. */
  id: hash,
  header: suiteHeader,
  signature,
  examples: positive,
  sizeBytes: positive,
  state: z.enum(["received", "waiting", "accepted", "refused", "withdrawn"]),
  /** Why it was refused or withdrawn; null otherwise. */
  message: z.nullable(z.string()),
  /** Null until it was looked at. */
  findings: z.nullable(suiteFindings),
  proposedAt: timeMs,
  decidedAt: z.nullable(timeMs),
  /** Contributions that it kept out. */
  stopped: count,
});
export type SuiteLife = z.infer<typeof suiteLife>;

/** All suites of a model, the newest first. */
export const suiteList = z.object({ suites: z.array(suiteLife) });
