import { assert, FormatError } from "../errors.ts";
import type { Architecture } from "../protocol/schemas/recipe.ts";
import {
  decodeImageExamples,
  type ImageExamples,
  joinImageExamples,
  sliceImageExamples,
} from "./image-examples.ts";
import {
  decodeTextExamples,
  joinTextExamples,
  sliceTextExamples,
  type TextExamples,
} from "./text-examples.ts";

/** What one shard or held-out set holds: the kind follows from the architecture. */
export type Examples = ImageExamples | TextExamples;

/** Read a shard file or held-out set for `architecture`; FormatErrors start with `what`. */
export function decodeExamples(
  what: string,
  bytes: Uint8Array,
  architecture: Architecture,
): Examples {
  switch (architecture.kind) {
    case "mlp":
      return decodeImageExamples(what, bytes, architecture);
    case "gpt":
      return decodeTextExamples(what, bytes, architecture);
  }
}

/** Several shards of one model as one set, in the order given. */
export function joinExamples(parts: readonly Examples[]): Examples {
  const images = parts.filter((part) => part.kind === "images");
  const texts = parts.filter((part) => part.kind === "text");
  assert(images.length === 0 || texts.length === 0, "shards of two kinds");
  if (parts.length === 0) throw new FormatError("shards: none");
  return texts.length > 0 ? joinTextExamples(texts) : joinImageExamples(images);
}

/** The examples from…to−1, as views. */
export function sliceExamples(examples: Examples, from: number, to: number): Examples {
  return examples.kind === "images"
    ? sliceImageExamples(examples, from, to)
    : sliceTextExamples(examples, from, to);
}
