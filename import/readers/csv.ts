import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CsvError, type Info, parse } from "csv-parse";
import { problemAt } from "../problem.ts";
import { type FileRow, MAX_COLUMNS, type TableFile } from "./table-file.ts";
import { readLines, readUtf8 } from "./utf8.ts";

const DELIMITERS = [",", ";", "\t"];
const MAX_RECORD_CHARACTERS = 16 << 20; // as a line of JSON

/** A CSV file with a header, RFC 4180, its fields parted by commas, semicolons or tabs. Throws an InputProblem. */
export async function openCsv(path: string, file: string): Promise<TableFile> {
  const delimiter = await delimiterOf(path, file);
  const first = await records(path, file, delimiter).next();
  if (first.done)
    throw problemAt({ file }, "empty, and a CSV file begins with the names of its columns");
  const columns = first.value.cells.map(String);
  if (columns.length > MAX_COLUMNS) {
    throw problemAt(
      { file, line: 1 },
      `${columns.length} columns, and at most ${MAX_COLUMNS} are read`,
    );
  }
  const twice = columns.find((name, i) => columns.indexOf(name) !== i);
  if (twice !== undefined)
    throw problemAt({ file, line: 1 }, `the column "${twice}" stands there twice`);
  return {
    file,
    columns,
    async *rows() {
      const all = records(path, file, delimiter);
      await all.next(); // the header
      yield* all;
    },
  };
}

async function* records(path: string, file: string, delimiter: string): AsyncGenerator<FileRow> {
  const parser = parse({
    bom: true,
    delimiter,
    info: true,
    max_record_size: MAX_RECORD_CHARACTERS,
    skip_empty_lines: true,
  });
  const feeding = pipeline(Readable.from(readUtf8(path, file)), parser);
  feeding.catch(() => {}); // the loop below throws it
  let last = 1;
  try {
    for await (const each of parser) {
      const { record, info } = each as { record: string[]; info: Info }; // what `info: true` yields
      last = info.lines;
      yield { line: info.lines, cells: record.map((cell) => (cell === "" ? null : cell)) };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const { lines } = error as CsvError & { lines?: number };
    throw problemAt({ file, line: lines ?? last }, sentenceOf(error));
  } finally {
    parser.destroy(); // a reader that stops early closes the file too
  }
}

function sentenceOf({ code, message }: CsvError): string {
  if (code === "CSV_RECORD_INCONSISTENT_FIELDS_LENGTH")
    return "another number of fields than in line 1";
  if (code === "CSV_QUOTE_NOT_CLOSED") return "a quotation mark that is never closed";
  if (code === "CSV_MAX_RECORD_SIZE")
    return `a row of more than ${MAX_RECORD_CHARACTERS} characters`;
  return message.replace(/[:.]?\s*$/, "");
}

/** The one of the three that the header has most of. */
async function delimiterOf(path: string, file: string): Promise<string> {
  for await (const { text } of readLines(path, file)) {
    const counts = DELIMITERS.map((delimiter) => text.split(delimiter).length);
    return DELIMITERS[counts.indexOf(Math.max(...counts))]!;
  }
  return ",";
}
