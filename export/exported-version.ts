import type { LaterData } from "../core/history/later-data.ts";
import type { TokenizerFile } from "../core/models/tokenizer.ts";
import type { Recipe } from "../core/protocol/schemas/recipe.ts";
import type { Ancestor, VersionRecord } from "../core/protocol/schemas/version.ts";
import type { Layout } from "../core/tensors/layout.ts";

/** A version to be written down, verified by the caller. */
export type ExportedVersion = {
  readonly recipe: Recipe;
  readonly layout: Layout;
  /** [N] */
  readonly parameters: Float32Array;
  readonly record: VersionRecord;
  /** The version's own hash. */
  readonly id: string;
  /** Origin of the relay that serves it; null where that is not known, as to a relay itself. */
  readonly relay: string | null;
  /** What the model was forked from, the nearest first. */
  readonly lineage: readonly Ancestor[];
  /** How many people's work is in the model. */
  readonly contributors: number;
  /** What those of them are called who chose a name; a relay names nobody, since its files outlast a name that is taken back. */
  readonly names: readonly string[];
  /** Data that came after the model began. */
  readonly laterData: readonly LaterData[];
  /** Those that the recipe names. */
  readonly tokenizerFiles: readonly TokenizerFile[];
};
