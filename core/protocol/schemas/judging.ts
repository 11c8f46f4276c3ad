import * as z from "zod/mini";
import {
  count,
  hash,
  longText,
  modelId,
  positive,
  publicKey,
  reasonText,
  shortText,
  ticketId,
  timeMs,
} from "./primitives.ts";
import { architecture, maskFisher, training } from "./recipe.ts";
import { shard } from "./ticket.ts";

/** What judges on other machines send and hear (protocol J). */

/** Asks for a job, or says that the one it holds is still being done. */
export const jobRequest = z.strictObject({
  judge: publicKey,
  issuedAt: timeMs,
  holds: z.optional(ticketId),
  /** The model that a volunteer is there to judge as a juror; absent: a judge that a maintainer named asks. */
  model: z.optional(modelId),
});
export type JobRequest = z.infer<typeof jobRequest>;

const jobPiece = z.object({
  shards: z.array(shard).check(z.minLength(1), z.maxLength(64)),
  seed: z.int().check(z.minimum(0), z.maximum(0xffffffff)),
});

export type JobPiece = z.infer<typeof jobPiece>;

/** What a job is. Base and shards are public; seeds, positions, steps and held-out examples are not. */
export const jobWork = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("train"),
    /** Of the mask, as M3 writes them, in hexadecimal; null: all parameters. */
    positions: z.nullable(z.string().check(z.regex(/^([0-9a-f]{2})*$/))),
    count: positive,
    training,
    pieces: z.array(jobPiece).check(z.minLength(1), z.maxLength(16)),
  }),
  z.object({
    kind: z.literal("own-mask"),
    policy: maskFisher,
    count: positive,
    pieces: z.array(jobPiece).check(z.length(1)),
  }),
  z.object({
    kind: z.literal("evaluate"),
    /** SHA-256 of the delta step (T5) that is made on the base first; null: the base as it is. */
    step: z.nullable(hash),
    /** A shard file (T7, T9) of held-out examples, and how many answers each asks for. */
    examples: z.object({ sha256: hash, count: positive, answers: positive }),
  }),
]);
export type JobWork = z.infer<typeof jobWork>;

export const judgingJob = z.object({
  id: ticketId,
  model: modelId,
  architecture,
  base: z.object({ number: count, checkpoint: hash }),
  work: jobWork,
});
export type JudgingJob = z.infer<typeof judgingJob>;

/** Asks for a file that a held job names by its hash. */
export const jobInputRequest = z.strictObject({ judge: publicKey, issuedAt: timeMs });
export type JobInputRequest = z.infer<typeof jobInputRequest>;

export const jobAnswer = z.object({
  job: z.nullable(judgingJob),
  /** When to ask again, or to say that a job is still being done. */
  retryAfterSeconds: positive,
});
export type JobAnswer = z.infer<typeof jobAnswer>;

export const judgementReceipt = z.object({ id: ticketId });

/** Names a judge: from then on the relay gives it jobs. */
export const judgeRequest = z.strictObject({
  judge: publicKey,
  name: shortText,
  reason: reasonText,
});
export type JudgeRequest = z.infer<typeof judgeRequest>;

/** Takes no more answers of a judge. */
export const dismissalRequest = z.strictObject({ judge: publicKey, reason: reasonText });
export type DismissalRequest = z.infer<typeof dismissalRequest>;

export const judgeList = z.object({
  judges: z.array(
    z.object({
      judge: publicKey,
      name: shortText,
      maintainer: z.string(),
      namedAt: timeMs,
      /** Why it is a judge no more, and since when; null where it is one. */
      dismissed: z.nullable(z.object({ at: timeMs, reason: longText })),
    }),
  ),
});
export type JudgeList = z.infer<typeof judgeList>;
