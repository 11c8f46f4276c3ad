import type { SourceShard } from "../core/models/model-source.ts";
import type { Examples } from "../core/training/examples.ts";

/** An owner's examples as shards, and none of them held out. */
export type ShardedData = {
  readonly examples: number;
  /** Examples or documents that were there before in the same files, whatever their class: they are left out. */
  readonly repeated: number;
  readonly shardCount: number;
  /** As often as they are asked for. */
  shards(): Generator<SourceShard>;
  /** Delete what they are read from. */
  remove(): void;
};

/** An owner's examples, split and ready to be written. */
export type ExampleSets = {
  readonly trainingExamples: number;
  /** Copies of held-out examples that were left out. */
  readonly removed: number;
  readonly shardCount: number;
  /** On average. */
  readonly examplesPerShard: number;
  readonly heldOut: Readonly<Record<"score" | "gate" | "report", Examples>>;
  /** Held-out examples as a shard file. */
  encode(examples: Examples): Uint8Array<ArrayBuffer>;
  shards(): Generator<SourceShard>;
  /** Delete what they are read from. */
  remove(): void;
};
