import * as z from "zod/mini";
import {
  MAX_ANCESTORS,
  MAX_SHARD_BYTES,
  MAX_SUITE_BYTES,
  MAX_SUITES_IN_FORCE,
  MAX_TOKENIZER_BYTES,
  MAX_UPSTREAM_BYTES,
} from "../limits.ts";
import { dataPlan } from "./data.ts";
import { count, hash, positive, reasonText, shortText, signature } from "./primitives.ts";
import { recipe, TOKENIZER_FILES } from "./recipe.ts";
import { ancestor } from "./version.ts";

/** What a maintainer adds to a running relay: a model (protocol R6), or data of one (R10). */

/** Bytes of every chunk of a file but its last: a shard is one chunk. */
export const ADDITION_CHUNK_BYTES = MAX_SHARD_BYTES;

const MAX_BASE_BYTES = 2 ** 31 - 1; // 536 million parameters; a larger file no runtime reads at once
const MAX_SHARDS = 65_536;

/** A file as the SHA-256 of each of its chunks, in order; the last chunk has what is left. */
const chunked = (mostBytes: number) =>
  z
    .strictObject({
      sizeBytes: positive.check(z.maximum(mostBytes)),
      chunks: z
        .array(hash)
        .check(z.minLength(1), z.maxLength(Math.ceil(mostBytes / ADDITION_CHUNK_BYTES))),
    })
    .check(
      z.refine(({ sizeBytes, chunks }) => {
        return chunks.length === Math.ceil(sizeBytes / ADDITION_CHUNK_BYTES);
      }, `its chunks are not its size in pieces of ${ADDITION_CHUNK_BYTES}`),
    );
export type ChunkedFile = z.infer<ReturnType<typeof chunked>>;

const heldOut = chunked(MAX_SHARD_BYTES); // as every file of examples

/** Everything of a model before its bytes: its RFC 8785 form is hashed to the addition's id. */
export const additionPlan = z.strictObject({
  format: z.literal("commonweight.addition/1"),
  recipe,
  base: chunked(MAX_BASE_BYTES),
  heldOut: z.strictObject({
    score: heldOut,
    gate: heldOut,
    report: heldOut,
    protected: z.optional(heldOut),
  }),
  /** In the order of the recipe's. */
  tokenizer: z.array(chunked(MAX_TOKENIZER_BYTES)).check(z.maxLength(TOKENIZER_FILES.length)),
  /** Of a fork (protocol R9). */
  upstream: z.optional(
    z.strictObject({
      lineage: z.array(ancestor).check(z.minLength(1), z.maxLength(MAX_ANCESTORS)),
      record: chunked(MAX_UPSTREAM_BYTES),
      suites: z
        .array(z.strictObject({ file: chunked(MAX_SUITE_BYTES), signature }))
        .check(z.maxLength(MAX_SUITES_IN_FORCE)),
    }),
  ),
  shards: z
    .array(
      z.strictObject({
        title: shortText,
        examples: positive,
        isReplay: z.optional(z.literal(true)),
        sizeBytes: positive.check(z.maximum(MAX_SHARD_BYTES)),
        sha256: hash,
      }),
    )
    .check(z.minLength(1), z.maxLength(MAX_SHARDS)),
});
export type AdditionPlan = z.infer<typeof additionPlan>;

export const additionRequest = z.strictObject({
  plan: z.discriminatedUnion("format", [additionPlan, dataPlan]),
  reason: reasonText,
});
export type AdditionRequest = z.infer<typeof additionRequest>;

/** What of data was new to the model. */
export const dataOutcome = z.object({
  shards: positive,
  examples: positive,
  removed: z.object({ heldOut: count, known: count }),
});
export type DataOutcome = z.infer<typeof dataOutcome>;

/** How far an addition is. */
export const additionStatus = z.object({
  id: hash,
  state: z.enum(["uploading", "importing", "added", "refused"]),
  /** The chunks that the relay does not have. */
  missing: z.array(hash),
  /** Of the chunks while it is uploaded, of the import's parts afterwards. */
  done: count,
  total: positive,
  /** Why it was refused, or why its import must be asked for again; null where neither is. */
  problem: z.nullable(z.string()),
  /** What data came to once they are added; null before, and of a model. */
  outcome: z._default(z.nullable(dataOutcome), null),
});
export type AdditionStatus = z.infer<typeof additionStatus>;

/** A chunk that the relay keeps from now on. */
export const additionChunk = z.object({ sha256: hash });
