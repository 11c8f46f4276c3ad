import * as z from "zod/mini";
import { mask } from "./mask.ts";
import {
  count,
  hash,
  longText,
  modelId,
  positive,
  publicKey,
  shortText,
  signature,
  ticketId,
  timeMs,
} from "./primitives.ts";
import { training } from "./recipe.ts";

/** What the volunteer tells about itself when it asks for work. */
export const ticketRequest = z.strictObject({
  contributor: publicKey,
  /** Proof against replay: the relay accepts a few minutes around its own clock. */
  issuedAt: timeMs,
  backend: z.enum(["webgpu", "wasm", "cpu"]),
  device: shortText,
});
export type TicketRequest = z.infer<typeof ticketRequest>;

export const shard = z.strictObject({
  index: count,
  sha256: hash,
  sizeBytes: positive,
  examples: positive,
  /** What the volunteer is shown, such as a speaker and a year. */
  title: shortText,
});
export type Shard = z.infer<typeof shard>;

/** One piece of work for one contributor, good for one contribution. */
export const ticket = z.strictObject({
  format: z.literal("commonweight.ticket/1"),
  id: ticketId,
  model: modelId,
  contributor: publicKey,
  base: z.strictObject({ number: count, id: hash, checkpoint: hash }),
  mask,
  shards: z.array(shard).check(z.minLength(1), z.maxLength(64)),
  /** Seeds the order of the examples: uint32. */
  seed: z.int().check(z.minimum(0), z.maximum(0xffffffff)),
  training,
  /** What of the recipe it is good under (protocol R7); tickets from before recipes could change have none. */
  terms: z.optional(hash),
  issuedAt: timeMs,
  expiresAt: timeMs,
});
export type Ticket = z.infer<typeof ticket>;

/** The relay's answer to a request for work: a signed ticket, or why not and when to ask again. */
export const ticketAnswer = z.discriminatedUnion("work", [
  z.object({ work: z.literal(true), ticket, signature }),
  z.object({
    work: z.literal(false),
    reason: z.enum(["paused", "retired", "queue-full", "no-gain"]),
    message: longText,
    retryAfterSeconds: positive,
  }),
]);
export type TicketAnswer = z.infer<typeof ticketAnswer>;
