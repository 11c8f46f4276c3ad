import * as z from "zod/mini";
import {
  count,
  hash,
  longText,
  modelId,
  positive,
  publicKey,
  releasePublicKey,
  releaseTag,
  shortText,
  signature,
  timeMs,
} from "./primitives.ts";
import { recipe } from "./recipe.ts";
import { suiteName } from "./suite.ts";

const versionName = z.strictObject({ number: count, id: hash });

/** A contributed suite becomes one of the gate's (protocol U6). */
const acceptSuite = z.strictObject({
  kind: z.literal("accept-suite"),
  /** SHA-256 of the suite's file. */
  suite: hash,
  name: suiteName,
  contributor: publicKey,
  /** The contributor's, of the suite. */
  signature,
  marginNats: z.number().check(z.gt(0)),
  /** In the file. */
  examples: positive,
  /** Rows of the file that are not used, ascending. */
  setAside: z.array(count).check(z.maxLength(16384)),
});
export type AcceptSuite = z.infer<typeof acceptSuite>;

/** Shards that volunteers train on too, from the next ticket on (protocol R10). */
const addData = z.strictObject({
  kind: z.literal("add-data"),
  /** Where the data are from, and under which licence. */
  source: longText,
  licence: shortText,
  /** SHA-256 of the list that names the shards, one after the other. */
  list: hash,
  /** How many shards the model had before: the first one's index. */
  first: positive,
  shards: positive,
  /** In all of them. */
  examples: positive,
  /** Examples that were left out as copies: of held-out ones, and of ones that the model has in a shard. */
  removed: z.strictObject({ heldOut: count, known: count }),
});
export type AddData = z.infer<typeof addData>;

/**
 * What a maintainer decided: whether work is given out (protocol R5), by which recipe in place of the one with the hash `before`
 * (R7), which versions are releases (R8), on which suites the gate tests (U6), and which data came later (R10).
 */
export const deed = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("retire") }),
  z.strictObject({ kind: z.literal("unretire") }),
  z.strictObject({ kind: z.literal("recipe"), before: hash, recipe }),
  /** The relay's key vouches for the one that signs releases for other tools (R11); a history has one. */
  z.strictObject({ kind: z.literal("release-key"), key: releasePublicKey }),
  z.strictObject({
    kind: z.literal("release"),
    tag: releaseTag,
    version: versionName,
    /** SHA-256 of the recipe's canonical JSON at that time; releases from before they had bundles have none. */
    recipe: z.optional(hash),
  }),
  z.strictObject({ kind: z.literal("unrelease"), tag: releaseTag }),
  acceptSuite,
  z.strictObject({ kind: z.literal("withdraw-suite"), name: suiteName }),
  addData,
]);
export type Deed = z.infer<typeof deed>;

/** An act of a maintainer that readers rely on, without its signature: its RFC 8785 form is hashed to the act's id. */
export const actRecord = z.strictObject({
  format: z.literal("commonweight.act/1"),
  model: modelId,
  /** From 0 on. */
  number: count,
  /** Id of the act before it; null for act 0. */
  parent: z.nullable(hash),
  createdAt: timeMs,
  /** The key that signs the history. */
  relayKey: publicKey,
  /** The newest version at that time. */
  head: versionName,
  /** Why, in the maintainer's words. */
  reason: longText,
  deed,
});
export type ActRecord = z.infer<typeof actRecord>;

export const signedAct = z.strictObject({ record: actRecord, signature });
export type SignedAct = z.infer<typeof signedAct>;

/** Every act of a model, the first one first. */
export const actList = z.object({ acts: z.array(signedAct) });
