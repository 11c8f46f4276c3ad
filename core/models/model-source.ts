import type { Recipe } from "../protocol/schemas/recipe.ts";
import type { Ancestor } from "../protocol/schemas/version.ts";
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

/** What a fork brings along of the version that it began as. */
export type Upstream = {
  /** In the history's version 0; the first one is that version. */
  readonly lineage: readonly Ancestor[];
  /** The version's record, in the bytes that hash to its id. */
  readonly record: Uint8Array<ArrayBuffer>;
  /** Contributed suites that were in force there. */
  readonly suites: readonly SignedSuite[];
};

/** A suite's file, and its contributor's signature of the file's hash. */
export type SignedSuite = { readonly bytes: Uint8Array<ArrayBuffer>; readonly signature: string };

/** A model as it is shipped: what a relay imports on its first start. */
export type ModelSource = {
  readonly recipe: Recipe;
  /** The base checkpoint: plain safetensors, f32. */
  base(): Promise<Uint8Array<ArrayBuffer>>;
  /** Where the recipe names a tokenizer's files: those. */
  tokenizer?(): Promise<readonly TokenizerFile[]>;
  /** Of a fork. */
  upstream?(): Promise<Upstream>;
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
