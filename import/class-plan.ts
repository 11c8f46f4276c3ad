import { assert } from "../core/errors.ts";
import { type Column, type Inputs, inputLength } from "../core/protocol/schemas/inputs.ts";
import { type Cell, encodeRow, encodeText, numberOf } from "../core/training/encode-inputs.ts";
import type { DataSource } from "./data-source.ts";
import { InputProblem, problemAt, quote } from "./problem.ts";
import type { LabelledRow } from "./roles.ts";

/** A classifier's data as it goes into the network. */
export type ClassPlan = {
  readonly inputs: Inputs;
  /** Names, in the order of the outputs. */
  readonly classes: readonly string[];
  /** How many examples there are. */
  readonly count: number;
  /** Bytes of an example's inputs. */
  readonly width: number;
  examples(): AsyncGenerator<ClassExample>;
};

export type ClassExample = {
  /** [inputs] */
  readonly bytes: Uint8Array;
  /** Place of its class. */
  readonly label: number;
};

type ClassSource = Exclude<DataSource, { kind: "documents" }>;

const MAX_CLASSES = 256; // a label is a byte of a shard
const MAX_CHOICES = 32; // as the recipe's schema
const LONGEST_NAME = 120; // as the recipe's schema
const WORD_BUCKETS = 2048; // words and pairs of some thousand short texts collide rarely
const SAMPLE = 4096; // values of a column that its range follows from
const TAIL = 0.005; // of the values on each side may lie outside a column's range: one typing error must not flatten it

/**
 * Read the data once to learn its classes and what its inputs are; `onRow` hears how many rows were read. Throws an
 * InputProblem that names the first row which does not fit.
 */
export async function planClasses(
  source: ClassSource,
  onRow: (read: number) => void,
): Promise<ClassPlan> {
  switch (source.kind) {
    case "images": {
      const { size, classes, count } = source;
      const names = checkClasses(classes);
      const place = placeIn(names);
      return {
        inputs: { kind: "image", ...size },
        classes: names,
        count,
        width: size.width * size.height * size.channels,
        async *examples() {
          for await (const { pixels, label } of source.images())
            yield { bytes: pixels, label: place(label) };
        },
      };
    }
    case "labelled-texts": {
      const labels = new Set<string>();
      let count = 0;
      for await (const { label } of source.rows()) {
        addLabel(labels, label);
        onRow(++count);
      }
      const classes = checkClasses(sorted(labels));
      const place = placeIn(classes);
      return {
        inputs: { kind: "words", buckets: WORD_BUCKETS },
        classes,
        count,
        width: WORD_BUCKETS,
        async *examples() {
          for await (const { text, label } of source.rows()) {
            yield { bytes: encodeText(text, WORD_BUCKETS), label: place(label) };
          }
        },
      };
    }
    case "table":
      return planTable(source, onRow);
  }
}

async function planTable(
  source: Extract<ClassSource, { kind: "table" }>,
  onRow: (read: number) => void,
): Promise<ClassPlan> {
  const labels = new Set<string>();
  const columns = source.names.map(createColumnNotes);
  let count = 0;
  for await (const row of source.rows()) {
    addLabel(labels, row.label);
    for (const [i, notes] of columns.entries()) notes.add(row, row.cells[i]);
    onRow(++count);
  }
  const inputs = { kind: "table" as const, columns: columns.map((notes) => notes.column()) };
  const classes = checkClasses(sorted(labels));
  const place = placeIn(classes);
  return {
    inputs,
    classes,
    count,
    width: inputLength(inputs),
    async *examples() {
      for await (const { cells, label } of source.rows()) {
        const bytes = encodeRow(inputs, cells.map(cellOf));
        assert(bytes !== null, "a row that the first reading took");
        yield { bytes, label: place(label) };
      }
    },
  };
}

/** What one column is, found out row by row: numbers, or one of a few texts. */
function createColumnNotes(name: string) {
  let isNumeric = true;
  let seen = 0;
  let firstText: InputProblem | null = null;
  const choices = new Set<string>();
  const sample: number[] = [];
  return {
    add({ file, line }: LabelledRow, cell: unknown): void {
      if (cell === null || cell === undefined) {
        throw problemAt({ file, line, column: name }, "empty, and every row needs a value there");
      }
      const value = numberOf(cell);
      if (value === null) {
        isNumeric = false;
        firstText ??= problemAt(
          { file, line, column: name },
          `${quote(cell)} is not a number, and the column has more than ${MAX_CHOICES} different values; --ignore leaves it out`,
        );
      } else if (sample.length < SAMPLE) sample.push(value);
      else if (seen % Math.ceil(seen / SAMPLE) === 0) sample[(seen * 7919) % SAMPLE] = value; // spread over all rows
      if (choices.size <= MAX_CHOICES) choices.add(cellOf(cell).toString().slice(0, LONGEST_NAME));
      seen++;
    },
    column(): Column {
      if (isNumeric) {
        sample.sort((a, b) => a - b);
        const tail = Math.floor(TAIL * sample.length);
        const [least = 0, most = 0] = [sample[tail], sample[sample.length - 1 - tail]];
        return { kind: "number", name: name.slice(0, LONGEST_NAME), least, most };
      }
      if (choices.size > MAX_CHOICES && firstText !== null) throw firstText;
      return { kind: "choice", name: name.slice(0, LONGEST_NAME), choices: [...choices].sort() };
    },
  };
}

function cellOf(cell: unknown): Cell {
  const value = numberOf(cell);
  return value !== null && typeof cell !== "string" ? value : String(cell).slice(0, LONGEST_NAME);
}

function addLabel(labels: Set<string>, label: string): void {
  labels.add(label.slice(0, LONGEST_NAME));
  if (labels.size > MAX_CLASSES) {
    throw new InputProblem(
      `More than ${MAX_CLASSES} different classes, and a model here has at most so many: is it the right column?`,
    );
  }
}

function checkClasses(classes: readonly string[]): readonly string[] {
  if (classes.length >= 2 && classes.length <= MAX_CLASSES) return classes;
  const found =
    classes.length === 1 ? `One class (${quote(classes[0])})` : `${classes.length} classes`;
  throw new InputProblem(`${found}, and a classifier tells 2 to ${MAX_CLASSES} apart.`);
}

/** As numbers where all are, else by their names. */
function sorted(labels: ReadonlySet<string>): string[] {
  const names = [...labels].sort();
  if (!names.every((name) => numberOf(name) !== null)) return names;
  return names.sort((a, b) => Number(a) - Number(b));
}

function placeIn(classes: readonly string[]): (label: string) => number {
  const places = new Map(classes.map((name, place) => [name, place]));
  return (label) => {
    const place = places.get(label.slice(0, LONGEST_NAME));
    assert(place !== undefined, `class ${label} came in the second reading alone`);
    return place;
  };
}
