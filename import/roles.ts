import { InputProblem, problemAt, quote } from "./problem.ts";
import type { TableFile } from "./readers/table-file.ts";
import type { TextDocument } from "./readers/text-folder.ts";

/** Columns that the owner named; null where the names in the file are to tell. */
export type ColumnWishes = {
  readonly text: string | null;
  readonly label: string | null;
  readonly prompt: string | null;
  readonly completion: string | null;
  /** Columns that say nothing of the class, such as a number that each row has of its own. */
  readonly ignore: readonly string[];
};

/** Which columns of a table hold what, by their places. */
export type Roles =
  | { readonly kind: "documents"; readonly columns: readonly number[] }
  | { readonly kind: "labelled-texts"; readonly text: number; readonly label: number }
  | { readonly kind: "table"; readonly inputs: readonly number[]; readonly label: number };

/** A row of a table that is not text: its cells, in the order of `names`. */
export type LabelledRow = {
  readonly file: string;
  readonly line: number;
  readonly cells: readonly unknown[];
  readonly label: string;
};

export type TableRows = {
  readonly names: readonly string[];
  rows(): AsyncGenerator<LabelledRow>;
};

// What such columns are called in the data sets that people share, most telling first.
const TEXTS = ["text", "content", "sentence", "message", "document", "review", "body"];
const LABELS = ["label", "class", "category", "target", "species", "variety", "sentiment"];
const PAIRS = [
  ["prompt", "completion"],
  ["instruction", "output"],
  ["instruction", "response"],
  ["question", "answer"],
  ["input", "output"],
] as const;

/** What the columns of `table` are for. Throws an InputProblem where a wish names none, or nothing tells. */
export function rolesOf({ file, columns }: TableFile, wishes: ColumnWishes): Roles {
  const named = (name: string) => {
    const place = columns.indexOf(name);
    if (place !== -1) return place;
    throw problemAt(
      { file },
      `no column "${name}"; the columns are ${columns.map((each) => `"${each}"`).join(", ")}`,
    );
  };
  const find = (names: readonly string[]) => {
    const lower = columns.map((column) => column.toLowerCase().trim());
    return names.map((name) => lower.indexOf(name)).find((place) => place !== -1);
  };
  if (wishes.prompt !== null || wishes.completion !== null) {
    if (wishes.prompt === null || wishes.completion === null) {
      throw new InputProblem("A prompt needs a completion: name both columns.");
    }
    return { kind: "documents", columns: [named(wishes.prompt), named(wishes.completion)] };
  }
  const label = wishes.label === null ? find(LABELS) : named(wishes.label);
  const text = wishes.text === null ? find(TEXTS) : named(wishes.text);
  if (text !== undefined && label !== undefined) return { kind: "labelled-texts", text, label };
  if (text !== undefined) return { kind: "documents", columns: [text] };
  for (const [prompt, completion] of PAIRS) {
    const pair = [find([prompt]), find([completion])];
    if (pair.every((place) => place !== undefined)) return { kind: "documents", columns: pair };
  }
  if (label === undefined) {
    throw problemAt(
      { file },
      `no column says what it holds; name the class with --label or the text with --text, of ${columns.map((each) => `"${each}"`).join(", ")}`,
    );
  }
  const ignored = new Set(wishes.ignore.map(named));
  const inputs = columns
    .map((_, place) => place)
    .filter((place) => place !== label && !ignored.has(place));
  if (inputs.length === 0)
    throw problemAt({ file }, `only the column "${columns[label]}", and nothing to tell it from`);
  return { kind: "table", inputs, label };
}

/** Each row as one document, a prompt and its completion on lines of their own. */
export async function* documentsOf(
  tables: readonly TableFile[],
  { columns }: Extract<Roles, { kind: "documents" }>,
): AsyncGenerator<TextDocument> {
  for (const table of tables) {
    for await (const { line, cells } of table.rows()) {
      const parts = columns.map((place) => textAt(table, line, place, cells[place]));
      yield { title: `${table.file}, line ${line}`, text: parts.join("\n") };
    }
  }
}

export async function* labelledOf(
  tables: readonly TableFile[],
  roles: Extract<Roles, { kind: "labelled-texts" }>,
): AsyncGenerator<{ text: string; label: string }> {
  for (const table of tables) {
    for await (const { line, cells } of table.rows()) {
      const text = textAt(table, line, roles.text, cells[roles.text]);
      yield { text, label: labelAt(table, line, roles.label, cells[roles.label]) };
    }
  }
}

export function rowsOf(
  tables: readonly TableFile[],
  { inputs, label }: Extract<Roles, { kind: "table" }>,
): TableRows {
  return {
    names: inputs.map((place) => tables[0]!.columns[place]!),
    async *rows() {
      for (const table of tables) {
        for await (const { line, cells } of table.rows()) {
          yield {
            file: table.file,
            line,
            cells: inputs.map((place) => cells[place] ?? null),
            label: labelAt(table, line, label, cells[label]),
          };
        }
      }
    },
  };
}

function textAt({ file, columns }: TableFile, line: number, place: number, cell: unknown): string {
  if (typeof cell === "string") return cell;
  const what = cell === null || cell === undefined ? "empty" : `${quote(cell)} is not text`;
  throw problemAt({ file, line, column: columns[place] }, what);
}

function labelAt({ file, columns }: TableFile, line: number, place: number, cell: unknown): string {
  const isLabel = ["string", "number", "bigint", "boolean"].includes(typeof cell);
  if (isLabel && String(cell).trim() !== "") return String(cell).trim();
  const what =
    isLabel || cell === null || cell === undefined ? "empty" : `${quote(cell)} is not a class`;
  throw problemAt({ file, line, column: columns[place] }, `${what}, and every row needs its class`);
}
