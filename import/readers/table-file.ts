/** One row of a CSV, JSON lines or Parquet file. */
export type FileRow = {
  /** Of a text file its line, of a Parquet file its row, from 1. */
  readonly line: number;
  /** In the order of the columns; what the file has no value for is null. */
  readonly cells: readonly unknown[];
};

/** A file of rows under named columns, read as often as needed and never whole. */
export type TableFile = {
  /** Its name, for people. */
  readonly file: string;
  readonly columns: readonly string[];
  rows(): AsyncGenerator<FileRow>;
};

export const MAX_COLUMNS = 4096; // more inputs than a network for tables has
