import * as z from "zod/mini";
import {
  count,
  hash,
  longText,
  modelId,
  publicKey,
  reasonText,
  releaseTag,
  shortText,
  timeMs,
} from "./primitives.ts";
import { recipe } from "./recipe.ts";

/** What maintainers send and hear (protocol H15 to H17, H19); what an act would do first is in previews.ts. */

/** Pauses a model or goes on with it, retires it or takes that back. */
export const modelActRequest = z.strictObject({ model: modelId, reason: reasonText });
export type ModelActRequest = z.infer<typeof modelActRequest>;

/** Gives a model another recipe in place of the one with the hash `before`. */
export const recipeRequest = z.strictObject({
  model: modelId,
  before: hash,
  recipe,
  reason: reasonText,
});
export type RecipeRequest = z.infer<typeof recipeRequest>;

export const revertRequest = z.strictObject({
  model: modelId,
  contribution: hash,
  reason: reasonText,
  /** Publish it also where the gate finds the model worse without the contribution. */
  insist: z.optional(z.boolean()),
});
export type RevertRequest = z.infer<typeof revertRequest>;

/** Makes a version a release: from now on candidates are compared with it too. */
export const tagRequest = z.strictObject({
  model: modelId,
  version: count,
  tag: releaseTag,
  reason: reasonText,
});
export type TagRequest = z.infer<typeof tagRequest>;

/** Takes a release back. */
export const untagRequest = z.strictObject({ model: modelId, tag: releaseTag, reason: reasonText });
export type UntagRequest = z.infer<typeof untagRequest>;

/** Accepts a suite, refuses it or takes it back. */
export const suiteRequest = z.strictObject({
  model: modelId,
  /** SHA-256 of its file. */
  suite: hash,
  reason: reasonText,
});
export type SuiteRequest = z.infer<typeof suiteRequest>;

/** Accepts a proposal or refuses it. */
export const proposalRequest = z.strictObject({
  model: modelId,
  /** The contribution's id. */
  proposal: hash,
  reason: reasonText,
});
export type ProposalRequest = z.infer<typeof proposalRequest>;

/** Takes no work of a contributor any more, and refuses what waits of theirs. */
export const banRequest = z.strictObject({
  contributor: publicKey,
  /** The contributor reads it. */
  reason: reasonText,
});
export type BanRequest = z.infer<typeof banRequest>;

/** Lifts a ban. */
export const unbanRequest = z.strictObject({ contributor: publicKey, reason: reasonText });
export type UnbanRequest = z.infer<typeof unbanRequest>;

/** Whether a contributor is banned now, and how many contributions that waited were refused for it. */
export const banStatus = z.object({
  contributor: publicKey,
  banned: z.boolean(),
  refused: count,
});
export type BanStatus = z.infer<typeof banStatus>;

/** A revert that was asked for, and what became of it. */
export const revertStatus = z.object({
  model: modelId,
  contribution: hash,
  reason: longText,
  state: z.enum(["waiting", "published", "refused"]),
  /** What the gate or the history said against it, in plain words; a maintainer may have insisted all the same. */
  message: z.nullable(z.string()),
  requestedAt: timeMs,
  decidedAt: z.nullable(timeMs),
  /** The version that was published without the contribution. */
  version: z.nullable(count),
});
export type RevertStatus = z.infer<typeof revertStatus>;

/** Who is signed in on the page, and until when; null where nobody is. */
export const maintainerSession = z.object({
  maintainer: z.nullable(shortText),
  until: z.nullable(timeMs),
});
export type MaintainerSession = z.infer<typeof maintainerSession>;

/** Who did what, newest first. */
export const auditLog = z.object({
  entries: z.array(
    z.object({
      id: count,
      at: timeMs,
      maintainer: shortText,
      action: shortText,
      /** A model's name or a contribution's id. */
      subject: shortText,
      /** A reason or an outcome, in plain words. */
      note: z.nullable(z.string()),
    }),
  ),
});
export type AuditLog = z.infer<typeof auditLog>;
