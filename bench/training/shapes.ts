import type { GptArchitecture } from "../../core/models/gpt.ts";
import type { MlpArchitecture } from "../../core/models/mlp.ts";
import { layoutOf } from "../../core/models/registry.ts";
import { createRandom } from "../../core/random.ts";
import type { ImageExamples } from "../../core/training/image-examples.ts";
import type { TextExamples } from "../../core/training/text-examples.ts";

export const BATCHES = 4; // a contestant goes round them, so that none trains on what it has just seen

type ShapeOf<Architecture, Examples> = {
  readonly name: string;
  readonly architecture: Architecture;
  /** Examples a step. */
  readonly batch: number;
  /** What tokens/s counts: text a step, or images. */
  readonly unitsAStep: number;
  readonly unit: "tokens" | "images";
  /** Enough for `BATCHES` batches. */
  examples(): Examples;
};
export type GptShape = ShapeOf<GptArchitecture, TextExamples>;
export type MlpShape = ShapeOf<MlpArchitecture, ImageExamples>;
export type Shape = GptShape | MlpShape;

export type ShapeName = "gpt-2-128" | "gpt-4-256" | "gpt-2-small" | "mlp";

export const SHAPES: Record<ShapeName, Shape> = {
  "gpt-2-128": gpt("GPT 2/128", { layers: 2, channels: 128, heads: 4 }),
  "gpt-4-256": gpt("GPT 4/256", { layers: 4, channels: 256, heads: 8 }),
  "gpt-2-small": gpt(
    "GPT-2 small",
    { layers: 12, channels: 768, heads: 12 },
    { vocabulary: 50_257, context: 1024, batch: 1 },
  ),
  mlp: mlp(),
};

export function isGpt(shape: Shape): shape is GptShape {
  return shape.architecture.kind === "gpt";
}

function gpt(
  name: string,
  size: Pick<GptArchitecture, "layers" | "channels" | "heads">,
  { vocabulary, context, batch } = { vocabulary: 256, context: 64, batch: 8 },
): GptShape {
  const length = context + 1; // the last one's target
  const count = BATCHES * batch;
  return {
    name,
    architecture: { kind: "gpt", vocabulary, context, ...size },
    batch,
    unitsAStep: batch * context,
    unit: "tokens",
    examples() {
      const random = createRandom("bench text");
      const tokens = Uint8Array.from({ length: count * length }, () => random.below(256));
      return { kind: "text", count, length, tokens };
    },
  };
}

function mlp(): MlpShape {
  const architecture: MlpArchitecture = { kind: "mlp", inputs: 784, hidden: [256], outputs: 10 };
  const batch = 64;
  const count = BATCHES * batch;
  return {
    name: "MLP 784-256-10",
    architecture,
    batch,
    unitsAStep: batch,
    unit: "images",
    examples() {
      const random = createRandom("bench images");
      return {
        kind: "images",
        count,
        pixels: Uint8Array.from({ length: count * 784 }, () => random.below(256)),
        labels: Uint8Array.from({ length: count }, () => random.below(10)),
      };
    },
  };
}

/** The example indices of step number `step`, counted from 0 [batch]. */
export function indicesOf({ batch }: Shape, step: number): Uint32Array {
  const first = (step % BATCHES) * batch;
  return Uint32Array.from({ length: batch }, (_, row) => first + row);
}

/** The batch of step number `step` as plain arrays: tokens [B, T] and those that follow them [B · T]. */
export function tokensOf(shape: GptShape, { length, tokens }: TextExamples, step: number) {
  const { context } = shape.architecture;
  const inputs = new Int32Array(shape.batch * context);
  const targets = new Int32Array(shape.batch * context);
  indicesOf(shape, step).forEach((example, row) => {
    const stretch = tokens.subarray(example * length, (example + 1) * length);
    inputs.set(stretch.subarray(0, context), row * context);
    targets.set(stretch.subarray(1), row * context);
  });
  return { inputs, targets };
}

/** The batch of step number `step` as plain arrays: pixels in 0…1 [B, inputs] and classes [B]. */
export function imagesOf(shape: MlpShape, { pixels, labels }: ImageExamples, step: number) {
  const { inputs: width } = shape.architecture;
  const from = indicesOf(shape, step)[0]!; // the batch's examples follow each other
  const to = from + shape.batch;
  const inputs = Float32Array.from(pixels.subarray(from * width, to * width), (p) => p / 255);
  return { inputs, targets: Int32Array.from(labels.subarray(from, to)) };
}

/** Seeded, untrained parameters [N]: layer norms 1, all else uniform with a spread of 0.02. */
export function parametersOf({ architecture }: Shape): Float32Array {
  const random = createRandom("bench parameters");
  const layout = layoutOf(architecture);
  const parameters = Float32Array.from(
    { length: layout.size },
    () => (random.below(2 ** 16) / 2 ** 15 - 1) * 0.035,
  );
  for (const { name, offset, size } of layout.tensors) {
    if (/\bln_.*weight$/.test(name)) parameters.fill(1, offset, offset + size);
  }
  return parameters;
}
