import { assert } from "../core/errors.ts";
import type { TextTokenizer } from "../core/models/tokenizer.ts";
import { MAX_SUITE_BYTES } from "../core/protocol/limits.ts";
import type { Inputs } from "../core/protocol/schemas/inputs.ts";
import type { Recipe } from "../core/protocol/schemas/recipe.ts";
import { type Cell, encodeRow, encodeText } from "../core/training/encode-inputs.ts";
import { type Examples, exampleShapeOf } from "../core/training/examples.ts";
import type { ImageExamples, ImageShape } from "../core/training/image-examples.ts";
import { cutText } from "../core/training/text-examples.ts";
import type { ClassExample } from "./class-plan.ts";
import type { DataSource } from "./data-source.ts";
import { InputProblem, problemAt, quote } from "./problem.ts";

const ROOM_BYTES = MAX_SUITE_BYTES - (24 << 10); // for the file's header

/**
 * What a file of any format that an import reads is as examples of a model that is there already: its columns, classes and
 * tokens are the recipe's. Throws an InputProblem that names what does not fit.
 */
export async function readSuiteExamples(
  source: DataSource,
  recipe: Recipe,
  tokenizer: TextTokenizer,
): Promise<Examples> {
  const shape = exampleShapeOf(recipe.architecture);
  if (shape.kind === "text") {
    if (source.kind === "documents") return readTexts(source, recipe, tokenizer, shape.window);
    throw new InputProblem(`${recipe.title} continues texts, and the files give classes.`);
  }
  if (source.kind === "documents") {
    throw new InputProblem(`${recipe.title} tells classes apart, and the files hold texts alone.`);
  }
  return gather(labelledRows(source, recipe), shape);
}

/** The examples of classes in a file, by the recipe's inputs and classes. Throws an InputProblem that names the first row which does not fit. */
export async function* labelledRows(
  source: Exclude<DataSource, { kind: "documents" }>,
  recipe: Recipe,
): AsyncGenerator<ClassExample> {
  const shape = exampleShapeOf(recipe.architecture);
  assert(shape.kind === "images", "classes are of a classifier");
  const { inputs, outputs } = shape;
  const { classes } = recipe.data;
  for await (const { bytes, label, place } of encodedRows(source, recipe)) {
    if (bytes.length !== inputs) {
      throw new InputProblem(
        `${place}: ${bytes.length} numbers, and the model takes ${inputs} of an example.`,
      );
    }
    const known = classes === undefined ? numberOf(label) : classes.indexOf(label);
    if (known < 0 || known >= outputs) {
      throw new InputProblem(`${place}: the model has no class ${quote(label)}.`);
    }
    yield { bytes, label: known };
  }
}

async function readTexts(
  source: Extract<DataSource, { kind: "documents" }>,
  { data }: Recipe,
  tokenizer: TextTokenizer,
  window: number,
): Promise<Examples> {
  const between =
    data.tokenizer?.end === undefined ? tokenizer.encode("\n\n") : [data.tokenizer.end];
  const tokens: number[] = [];
  const width = tokenizer.size <= 256 ? 1 : tokenizer.size <= 65_536 ? 2 : 4;
  for await (const { text } of source.documents()) {
    if (tokens.length > 0) tokens.push(...between);
    for (const token of tokenizer.encode(text)) tokens.push(token);
    if (width * tokens.length > ROOM_BYTES / 2) throw tooMuch(); // two stretches may overlap
  }
  if (tokens.length <= window) {
    throw new InputProblem(
      `${tokens.length} tokens of text, and an example of this model has ${window + 1}.`,
    );
  }
  const Narrow = width === 1 ? Uint8Array : width === 2 ? Uint16Array : Uint32Array;
  return cutText(Narrow.from(tokens), window);
}

type EncodedRow = { readonly bytes: Uint8Array; readonly label: string; readonly place: string };

async function* encodedRows(
  source: Exclude<DataSource, { kind: "documents" }>,
  { title, data }: Recipe,
): AsyncGenerator<EncodedRow> {
  const { inputs } = data;
  switch (source.kind) {
    case "images":
      for await (const { file, pixels, label } of source.images()) {
        yield { bytes: pixels, label, place: file };
      }
      return;
    case "labelled-texts": {
      if (inputs?.kind !== "words") throw new InputProblem(`${title} does not read texts.`);
      let row = 0;
      for await (const { text, label } of source.rows()) {
        yield { bytes: encodeText(text, inputs.buckets), label, place: `row ${++row}` };
      }
      return;
    }
    case "table": {
      if (inputs?.kind !== "table") throw new InputProblem(`${title} does not read tables.`);
      const places = columnsOf(source.names, inputs);
      for await (const { file, line, cells, label } of source.rows()) {
        const own = places.map((place) => cells[place] as Cell);
        const bytes = encodeRow(inputs, own);
        if (bytes === null) throw problemAt({ file, line }, `a value that ${title} does not know`);
        yield { bytes, label, place: `${file}, line ${line}` };
      }
    }
  }
}

/** Where each of the recipe's columns stands in the file. */
function columnsOf(
  names: readonly string[],
  { columns }: Extract<Inputs, { kind: "table" }>,
): number[] {
  return columns.map(({ name }) => {
    const place = names.indexOf(name);
    if (place !== -1) return place;
    throw new InputProblem(
      `No column "${name}", which the model asks for; the columns are ${names.map((each) => `"${each}"`).join(", ")}.`,
    );
  });
}

async function gather(
  rows: AsyncGenerator<ClassExample>,
  { inputs, outputs }: ImageShape,
): Promise<ImageExamples> {
  const pixels: Uint8Array[] = [];
  const labels: number[] = [];
  for await (const { bytes, label } of rows) {
    pixels.push(bytes);
    labels.push(label);
    if (pixels.length * (inputs + 2) > ROOM_BYTES) throw tooMuch();
  }
  if (labels.length === 0) throw new InputProblem("The files hold no examples.");
  return {
    kind: "images",
    count: labels.length,
    pixels: Uint8Array.from(Buffer.concat(pixels)),
    labels: outputs <= 256 ? Uint8Array.from(labels) : Uint16Array.from(labels),
  };
}

function tooMuch(): InputProblem {
  return new InputProblem(`The files hold more than a suite can: ${MAX_SUITE_BYTES >> 20} MiB.`);
}

/** A class by its number; −1 where a label is none. */
const numberOf = (label: string) => (/^\d{1,9}$/.test(label) ? Number(label) : -1);
