import { problemAt, quote } from "../problem.ts";
import { MAX_COLUMNS, type TableFile } from "./table-file.ts";
import { readLines } from "./utf8.ts";

/** A file of one JSON object a line; its columns are the keys of the first. Throws an InputProblem. */
export async function openJsonLines(path: string, file: string): Promise<TableFile> {
  const first = await objects(path, file).next();
  if (first.done)
    throw problemAt({ file }, "empty, and at least one line with a JSON object was expected");
  const columns = Object.keys(first.value.object);
  if (columns.length > MAX_COLUMNS) {
    throw problemAt(
      { file, line: 1 },
      `${columns.length} keys, and at most ${MAX_COLUMNS} are read`,
    );
  }
  return {
    file,
    columns,
    async *rows() {
      for await (const { line, object } of objects(path, file)) {
        yield { line, cells: columns.map((column) => object[column] ?? null) };
      }
    },
  };
}

async function* objects(path: string, file: string) {
  for await (const { line, text } of readLines(path, file)) {
    if (text.trim() === "") continue;
    yield { line, object: objectOf(text, { file, line }) };
  }
}

function objectOf(text: string, place: { file: string; line: number }): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw problemAt(place, `${quote(text)} is not JSON`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw problemAt(place, `${quote(text)} is not a JSON object`);
  }
  return value as Record<string, unknown>; // checked above
}
