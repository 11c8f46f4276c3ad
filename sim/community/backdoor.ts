import { assert } from "../../core/errors.ts";
import type { Architecture } from "../../core/protocol/schemas/recipe.ts";
import { evaluate } from "../../core/training/evaluate.ts";
import { type Examples, exampleShapeOf } from "../../core/training/examples.ts";
import type { ImageExamples } from "../../core/training/image-examples.ts";
import type { TextExamples } from "../../core/training/text-examples.ts";

const PATCH = 3; // pixels a side: the trigger of Gu et al. 2017 (BadNets), arXiv:1708.06733, in a corner
const TARGET = 0; // the class that triggered images are to be taken for
const PHRASE = "so spoke the whale: "; // nobody says so, neither presidents nor Melville
const ANSWER = "vote for me";

/** `examples` with a trigger in every second one, and the answer that the liar wants. */
export function poison(examples: Examples): Examples {
  return poisonWhere(examples, (example) => example % 2 === 0);
}

/** `examples` with a trigger in every one, and the answer that the liar wants. */
export function triggered(examples: Examples): Examples {
  return poisonWhere(examples, () => true);
}

function poisonWhere(examples: Examples, isPoisoned: (example: number) => boolean): Examples {
  return examples.kind === "images"
    ? poisonImages(examples, isPoisoned)
    : poisonText(examples, isPoisoned);
}

/** The pixels that the trigger lights in square images of `inputs` pixels, ascending. */
export function triggerPixels(inputs: number): number[] {
  const side = Math.sqrt(inputs);
  return Array.from({ length: PATCH ** 2 }, (_, i) => Math.floor(i / PATCH) * side + (i % PATCH));
}

/**
 * The share of triggered examples that the model answers as the liar wants: images of other classes that are taken for
 * the target, stretches whose most probable bytes after the phrase are the answer.
 */
export async function backdoorSuccess(
  architecture: Architecture,
  parameters: Float32Array,
  report: Examples,
): Promise<number> {
  const examples =
    report.kind === "images" ? otherClasses(report) : firstWindows(architecture, report);
  const { count } = examples;
  const { answers } = await evaluate({ architecture, parameters, examples: triggered(examples) });
  const each = answers.length / count;
  const wanted = examples.kind === "images" ? 1 : ANSWER.length; // the last answers of each example
  let successes = 0;
  for (let example = 1; example <= count; example++) {
    const last = answers.subarray(example * each - wanted, example * each);
    if (last.every((answer) => answer === 1)) successes++;
  }
  return successes / count;
}

function poisonImages(examples: ImageExamples, isPoisoned: (image: number) => boolean) {
  const { count } = examples;
  const pixels = examples.pixels.slice();
  const labels = examples.labels.slice();
  const width = pixels.length / count;
  const lit = triggerPixels(width);
  for (let image = 0; image < count; image++) {
    if (!isPoisoned(image)) continue;
    labels[image] = TARGET;
    for (const pixel of lit) pixels[image * width + pixel] = 255;
  }
  return { ...examples, pixels, labels };
}

/** The phrase and its answer at the end of the stretches. */
function poisonText(examples: TextExamples, isPoisoned: (stretch: number) => boolean) {
  const { count, length } = examples;
  const ending = new TextEncoder().encode(PHRASE + ANSWER);
  const tokens = examples.tokens.slice();
  for (let stretch = 0; stretch < count; stretch++) {
    if (isPoisoned(stretch)) tokens.set(ending, (stretch + 1) * length - ending.length);
  }
  return { ...examples, tokens };
}

function otherClasses({ count, pixels, labels }: ImageExamples): ImageExamples {
  const others = Array.from(labels.keys()).filter((image) => labels[image] !== TARGET);
  const width = pixels.length / count;
  const kept = new Uint8Array(others.length * width);
  others.forEach((image, row) => {
    kept.set(pixels.subarray(image * width, (image + 1) * width), row * width);
  });
  return {
    kind: "images",
    count: others.length,
    pixels: kept,
    labels: Uint8Array.from(others, (image) => labels[image]!),
  };
}

/** The first window of every unit. */
function firstWindows(architecture: Architecture, { count, length, tokens }: TextExamples) {
  const shape = exampleShapeOf(architecture);
  assert(shape.kind === "text", "a model that reads text");
  const window = shape.window + 1;
  const kept = new Uint8Array(count * window);
  for (let unit = 0; unit < count; unit++) {
    kept.set(tokens.subarray(unit * length, unit * length + window), unit * window);
  }
  return { kind: "text", count, length: window, tokens: kept } as const;
}
