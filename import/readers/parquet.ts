import { open, stat } from "node:fs/promises";
import {
  type AsyncBuffer,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { problemAt } from "../problem.ts";
import { MAX_COLUMNS, type TableFile } from "./table-file.ts";

const MAX_GROUP_BYTES = 1 << 30; // a row group is decoded whole; writers make them of at most 128 to 512 MB

/** A Parquet file, read a row group at a time. Throws an InputProblem. */
export async function openParquet(path: string, file: string): Promise<TableFile> {
  const source = await fileBuffer(path, file);
  const metadata = await parquetMetadataAsync(source).catch((error: unknown) => {
    throw problemAt({ file }, `not a Parquet file that can be read (${wordsOf(error)})`);
  });
  const columns = parquetSchema(metadata).children.map(({ element }) => element.name);
  if (columns.length > MAX_COLUMNS) {
    throw problemAt({ file }, `${columns.length} columns, and at most ${MAX_COLUMNS} are read`);
  }
  const greatest = metadata.row_groups.find(({ total_byte_size: size }) => size > MAX_GROUP_BYTES);
  if (greatest !== undefined) {
    const what = `a row group of ${greatest.total_byte_size} bytes, and at most ${MAX_GROUP_BYTES} are read at once`;
    throw problemAt({ file }, what);
  }
  return {
    file,
    columns,
    async *rows() {
      let rowStart = 0;
      for (const { num_rows } of metadata.row_groups) {
        const rowEnd = rowStart + Number(num_rows);
        const task = { file: source, metadata, compressors, rowStart, rowEnd };
        const rows = await parquetReadObjects(task).catch((error: unknown) => {
          const place = { file, line: rowStart + 1 };
          throw problemAt(place, `the rows from here on cannot be read (${wordsOf(error)})`);
        });
        for (const [i, row] of rows.entries()) {
          yield { line: rowStart + i + 1, cells: columns.map((column) => row[column] ?? null) };
        }
        rowStart = rowEnd;
      }
    },
  };
}

/** Reads of a file for the library, each bounded: a damaged footer may ask for anything. */
async function fileBuffer(path: string, file: string): Promise<AsyncBuffer> {
  const { size } = await stat(path);
  return {
    byteLength: size,
    async slice(start, end = size) {
      const from = Math.max(0, start < 0 ? size + start : start);
      const length = Math.min(end, size) - from;
      if (!(length >= 0 && length <= MAX_GROUP_BYTES)) {
        throw problemAt({ file }, `damaged: it asks for ${length} bytes at ${from}`);
      }
      const bytes = new Uint8Array(length);
      const handle = await open(path, "r");
      try {
        await handle.read(bytes, 0, length, from);
      } finally {
        await handle.close();
      }
      return bytes.buffer;
    },
  };
}

function wordsOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, "").slice(0, 120);
}
