import { assert, FormatError } from "../errors.ts";
import type { Architecture } from "../protocol/schemas/recipe.ts";
import type { TransformerArchitecture } from "../protocol/schemas/transformer.ts";
import {
  decodeImageExamples,
  encodeImageExamples,
  type ImageExamples,
  type ImageShape,
  joinImageExamples,
  sliceImageExamples,
} from "./image-examples.ts";
import {
  decodeTextExamples,
  encodeTextExamples,
  joinTextExamples,
  sliceTextExamples,
  type TextExamples,
  type TextShape,
} from "./text-examples.ts";

/** What one shard or held-out set holds: the kind follows from the architecture. */
export type Examples = ImageExamples | TextExamples;

/** What an architecture learns from: text of a vocabulary in windows, or images and their classes. */
export type ExampleShape =
  | ({ readonly kind: "text" } & TextShape)
  | ({ readonly kind: "images" } & ImageShape);

/** What `architecture` learns from. */
export function exampleShapeOf(architecture: Architecture): ExampleShape {
  switch (architecture.kind) {
    case "mlp":
      return { kind: "images", inputs: architecture.inputs, outputs: architecture.outputs };
    case "gpt":
      return { kind: "text", vocabulary: architecture.vocabulary, window: architecture.context };
    case "transformer":
      return transformerExamples(architecture);
  }
}

function transformerExamples({ input, head }: TransformerArchitecture): ExampleShape {
  if (input.kind === "tokens") {
    return { kind: "text", vocabulary: input.vocabulary, window: input.window };
  }
  const outputs = head.kind === "classes" ? head.classes : 0;
  return { kind: "images", inputs: input.height * input.width * input.planes, outputs };
}

/**
 * Read a shard file or held-out set for `architecture`, at most `maxBytes` long; a shard's limit where it is absent.
 * Throws a FormatError that starts with `what` for anything else than its examples.
 */
export function decodeExamples(
  what: string,
  bytes: Uint8Array,
  architecture: Architecture,
  options: { readonly maxBytes?: number } = {},
): Examples {
  const shape = exampleShapeOf(architecture);
  return shape.kind === "images"
    ? decodeImageExamples(what, bytes, shape, options)
    : decodeTextExamples(what, bytes, shape, options);
}

/** The file that `decodeExamples` reads these from. */
export function encodeExamples(examples: Examples): Uint8Array<ArrayBuffer> {
  return examples.kind === "images" ? encodeImageExamples(examples) : encodeTextExamples(examples);
}

/** Several shards of one model as one set, in the order given. */
export function joinExamples(parts: readonly Examples[]): Examples {
  const images = parts.filter((part) => part.kind === "images");
  const texts = parts.filter((part) => part.kind === "text");
  assert(images.length === 0 || texts.length === 0, "shards of two kinds");
  if (parts.length === 0) throw new FormatError("shards: none");
  return texts.length > 0 ? joinTextExamples(texts) : joinImageExamples(images);
}

/**
 * Read shard files or packets of one model as one set, in the order given. Throws a FormatError that starts with `nameOf(i)`
 * where file i is anything else than examples of `architecture`.
 */
export function decodeAll(
  files: readonly Uint8Array[],
  architecture: Architecture,
  nameOf: (index: number) => string,
): Examples {
  return joinExamples(files.map((bytes, i) => decodeExamples(nameOf(i), bytes, architecture)));
}

/** The examples from…to−1, as views. */
export function sliceExamples(examples: Examples, from: number, to: number): Examples {
  return examples.kind === "images"
    ? sliceImageExamples(examples, from, to)
    : sliceTextExamples(examples, from, to);
}

/** How many answers an example asks for. */
export function answersOf(examples: Examples): number {
  return examples.kind === "images" ? 1 : examples.length - 1;
}
