import { initialParameters } from "../core/models/initial-parameters.ts";
import { modelOf } from "../core/models/registry.ts";
import type { Architecture, Recipe } from "../core/protocol/schemas/recipe.ts";
import { createRandom } from "../core/random.ts";
import { createLayout, type Layout } from "../core/tensors/layout.ts";
import type { BaseWords, TrainedBase } from "./base/base.ts";
import { compareClasses, type HeadChange, reorderHead } from "./base/class-head.ts";
import { type ClassPlan, planClasses } from "./class-plan.ts";
import { splitClasses } from "./class-sets.ts";
import type { DataSource } from "./data-source.ts";
import type { ExampleSets } from "./example-sets.ts";
import { InputProblem } from "./problem.ts";
import { classifierOf, type ModelSize, textModelOf } from "./propose/draft.ts";
import { splitTexts, type TextPlan, textPlanOf } from "./text-sets.ts";

/** A model as the data and the base make it; nothing is written yet. */
export type Prepared = {
  readonly architecture: Architecture;
  readonly words: Pick<Recipe["data"], "inputs" | "classes">;
  /** The trained model that it begins with; null for a seeded start. */
  readonly base: string | null;
  /** Of a model of more than bytes. */
  readonly tokenizer: BaseWords | null;
  /** What becomes of a base's classes; null without a base, or where it has none. */
  readonly head: HeadChange | null;
  /** Bytes that its examples take on a disk at once: as they are read, and as shards. */
  readonly diskBytes: number;
  /** Version 0's parameters [N]. */
  parameters(layout: Layout): Promise<Float32Array<ArrayBuffer>>;
  split(spoolPath: string): Promise<ExampleSets>;
};

type Wanted = { readonly size: ModelSize; readonly seed: string };

type Making = {
  readonly onProgress: (what: string, done: number, total: number | null) => void;
  readonly signal: AbortSignal;
};

const TOLD_EVERY = 1000; // rows
const COPIES = 2; // on the disk: what is read, in the order of a split, and the shards

/** Read the data once, so that what is wrong with it is said before anything is written. Throws an InputProblem. */
export async function prepare(
  wanted: Wanted,
  source: DataSource,
  base: TrainedBase | null,
  making: Making,
): Promise<Prepared> {
  if (source.kind === "documents") return prepareTexts(wanted, source, base, making);
  const told = tellEvery(making);
  const plan = await planClasses(source, told("Looking at rows", null));
  const { inputs, classes, width, count } = plan;
  const { architecture, head } = classifierFor(wanted.size, plan, base);
  return {
    architecture,
    words: { inputs, classes: [...classes] },
    base: base?.hubName ?? null,
    tokenizer: null,
    head,
    diskBytes: COPIES * count * (1 + width),
    parameters: (layout) =>
      classifierParameters(wanted, { architecture, head, base, layout }, making),
    split: (spoolPath) =>
      splitClasses(plan, { spoolPath, seed: wanted.seed }, told("Reading examples", count)),
  };
}

function tellEvery({ onProgress, signal }: Making) {
  return (what: string, total: number | null) => (done: number) => {
    if (done % TOLD_EVERY !== 0) return;
    signal.throwIfAborted();
    onProgress(what, done, total);
  };
}

function prepareTexts(
  { size, seed }: Wanted,
  source: Extract<DataSource, { kind: "documents" }>,
  base: TrainedBase | null,
  making: Making,
): Prepared {
  const architecture = base === null ? textModelOf(size) : base.architecture;
  const plan = base === null ? bytePlan(textModelOf(size).context) : tokenPlan(base);
  return {
    architecture,
    words: {},
    base: base?.hubName ?? null,
    tokenizer: base?.words ?? null,
    head: null,
    diskBytes: COPIES * source.sizeBytes * (plan.dtype === "U32" ? 2 : 1), // a token is two bytes of text at least, but for rare texts
    parameters: (layout) =>
      base === null
        ? startOf(seed, architecture, layout)
        : base.read(layout, [], readingOf(making)),
    split: (spoolPath) =>
      splitTexts(
        source.documents(),
        plan,
        { spoolPath, seed },
        tellEvery(making)("Reading texts", null),
      ),
  };
}

function bytePlan(window: number): TextPlan {
  const encode = (text: string) => Uint32Array.from(new TextEncoder().encode(text));
  return textPlanOf({ vocabulary: 256, window }, encode, undefined);
}

function tokenPlan({ name, architecture, words }: TrainedBase): TextPlan {
  if (
    words === null ||
    architecture.kind !== "transformer" ||
    architecture.input.kind !== "tokens"
  ) {
    throw new InputProblem(
      `The base ${name} learns classes, and the files hold texts without any.`,
    );
  }
  const { vocabulary, window } = architecture.input;
  const { tokenizer, end } = words;
  return textPlanOf({ vocabulary, window }, tokenizer.encode, end);
}

function classifierFor(
  size: ModelSize,
  { inputs, classes, width }: ClassPlan,
  base: TrainedBase | null,
) {
  if (base === null) return { architecture: classifierOf(size, width, classes.length), head: null };
  const { name, architecture } = base;
  if (architecture.kind === "mlp") {
    if (architecture.inputs !== width) {
      throw new InputProblem(
        `The base ${name} takes ${architecture.inputs} numbers, and an example has ${width}.`,
      );
    }
    const head = compareClasses(base.classes, architecture.outputs, classes);
    return { architecture: { ...architecture, outputs: classes.length }, head };
  }
  const isImageModel = architecture.kind === "transformer" && architecture.input.kind === "image";
  if (!isImageModel || architecture.head.kind !== "classes") {
    throw new InputProblem(`The base ${name} continues texts, and the files give classes.`);
  }
  const { height, planes } = architecture.input as { height: number; planes: number };
  const fits =
    inputs.kind === "image" &&
    inputs.height === height &&
    inputs.width === height &&
    inputs.channels === planes;
  if (!fits) {
    throw new InputProblem(
      `The base ${name} takes images of ${height}×${height}×${planes}, and an example is ${inputs.kind === "image" ? `${inputs.width}×${inputs.height}×${inputs.channels}` : "no image"}.`,
    );
  }
  const head = compareClasses(base.classes, architecture.head.classes, classes);
  return {
    architecture: { ...architecture, head: { ...architecture.head, classes: classes.length } },
    head,
  };
}

async function classifierParameters(
  { seed }: Wanted,
  {
    architecture,
    head,
    base,
    layout,
  }: {
    readonly architecture: Architecture;
    readonly head: HeadChange | null;
    readonly base: TrainedBase | null;
    readonly layout: Layout;
  },
  making: Making,
): Promise<Float32Array<ArrayBuffer>> {
  if (base === null || head === null) return startOf(seed, architecture, layout);
  const { outputs, shapes } = modelOf(architecture);
  const without = head.kind === "new" ? outputs : [];
  const parameters = await base.read(layout, without, readingOf(making));
  if (head.kind === "reordered") reorderHead(architecture, layout, parameters, head.places);
  if (head.kind !== "new") return parameters;
  const layer = createLayout(shapes.filter(({ name }) => outputs.includes(name)));
  const values = await startOf(seed, architecture, layer);
  for (const { name, offset, size } of layer.tensors) {
    const place = layout.tensors.find((each) => each.name === name)!; // of the same shapes
    parameters.set(values.subarray(offset, offset + size), place.offset);
  }
  return parameters;
}

async function startOf(seed: string, architecture: Architecture, layout: Layout) {
  return initialParameters(architecture, layout, createRandom(`${seed} base`));
}

function readingOf({ onProgress, signal }: Making) {
  return {
    signal,
    onProgress: (done: number, total: number) => onProgress("Reading the base", done, total),
  };
}
