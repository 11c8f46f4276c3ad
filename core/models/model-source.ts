import type { Recipe } from "../protocol/schemas/recipe.ts";
import type { TokenizerFile } from "./tokenizer.ts";

/** One piece of a model's training data, as a shard file. */
export type SourceShard = {
  readonly title: string;
  readonly examples: number;
  /** Of the base's own domain: handed out beside the others, so that it is not forgotten. */
  readonly isReplay?: boolean;
  /** A shard file (protocol T): safetensors, at most MAX_SHARD_BYTES. */
  readonly bytes: Uint8Array<ArrayBuffer>;
};

/** A model as it is shipped: what a relay imports on its first start. */
export type ModelSource = {
  readonly recipe: Recipe;
  /** The base checkpoint: plain safetensors, f32. */
  base(): Promise<Uint8Array<ArrayBuffer>>;
  /** Where the recipe names a tokenizer's files: those. */
  tokenizer?(): Promise<readonly TokenizerFile[]>;
  /** How many shards `shards` yields, for the progress bar. */
  readonly shardCount: number;
  shards(): AsyncIterable<SourceShard>;
  /** The held-out sets as shard files; they never leave the relay. */
  heldOut(): Promise<{
    readonly score: Uint8Array<ArrayBuffer>;
    readonly gate: Uint8Array<ArrayBuffer>;
    readonly report: Uint8Array<ArrayBuffer>;
    /** Where the recipe has a protected suite. */
    readonly protected?: Uint8Array<ArrayBuffer>;
  }>;
};
