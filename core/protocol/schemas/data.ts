import * as z from "zod/mini";
import { MAX_SHARD_BYTES } from "../limits.ts";
import { hash, longText, modelId, positive, shortText } from "./primitives.ts";
import { shard } from "./ticket.ts";

/** Data that come to a model while it lives (protocol R10). */

const MAX_SHARDS = 16_384; // of one addition: their list is 4 MB, which a reader of the history loads at once

/** Everything of the data before their bytes: its RFC 8785 form is hashed to the addition's id. */
export const dataPlan = z.strictObject({
  format: z.literal("commonweight.data/1"),
  model: modelId,
  source: longText,
  licence: shortText,
  shards: z
    .array(
      z.strictObject({
        title: shortText,
        examples: positive,
        sizeBytes: positive.check(z.maximum(MAX_SHARD_BYTES)),
        sha256: hash,
      }),
    )
    .check(z.minLength(1), z.maxLength(MAX_SHARDS)),
});
export type DataPlan = z.infer<typeof dataPlan>;

/** The shards that an act added, as a public file that the act names by its hash. */
export const shardList = z.strictObject({
  format: z.literal("commonweight.shards/1"),
  shards: z.array(shard).check(z.minLength(1), z.maxLength(MAX_SHARDS)),
});
export type ShardList = z.infer<typeof shardList>;
