import type { Recipe } from "../core/protocol/schemas/recipe.ts";
import type { VersionRecord } from "../core/protocol/schemas/version.ts";
import type { Layout } from "../core/tensors/layout.ts";

/** A model's tokenizer as its owner gave it. */
export type ExportedTokenizer = {
  /** tokenizer.json, and what belongs to it. */
  readonly files: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  /** The tokens that begin and end a text; null where none does. */
  readonly begin: number | null;
  readonly end: number | null;
};

/** A version to be written down, verified by the caller. */
export type ExportedVersion = {
  readonly recipe: Recipe;
  readonly layout: Layout;
  /** [N] */
  readonly parameters: Float32Array;
  readonly record: VersionRecord;
  /** The version's own hash. */
  readonly id: string;
  /** Origin of the relay that serves it. */
  readonly relay: string;
  /** How many people's work is in the model. */
  readonly contributors: number;
  /** Null where the tokens are bytes, or there are none. */
  readonly tokenizer: ExportedTokenizer | null;
};
