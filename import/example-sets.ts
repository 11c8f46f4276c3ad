import type { SourceShard } from "../core/models/model-source.ts";
import type { Examples } from "../core/training/examples.ts";

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
