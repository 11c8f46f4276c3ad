import { readdir, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { InputProblem, problemAt } from "./problem.ts";
import { openCsv } from "./readers/csv.ts";
import { isIdxImages, openIdx } from "./readers/idx.ts";
import { isImageFolder, openImageFolder } from "./readers/image-folder.ts";
import type { ImageSet, ImageSize } from "./readers/image-set.ts";
import { openJsonLines } from "./readers/json-lines.ts";
import { openParquet } from "./readers/parquet.ts";
import type { TableFile } from "./readers/table-file.ts";
import {
  findTextFiles,
  isTextFile,
  readDocuments,
  type TextDocument,
} from "./readers/text-folder.ts";
import {
  type ColumnWishes,
  documentsOf,
  labelledOf,
  type Roles,
  rolesOf,
  rowsOf,
  type TableRows,
} from "./roles.ts";

/** An owner's data, read as often as needed and never whole: what kind follows from the files. */
export type DataSource = { readonly sizeBytes: number } & (
  | { readonly kind: "documents"; documents(): AsyncGenerator<TextDocument> }
  | { readonly kind: "labelled-texts"; rows(): AsyncGenerator<LabelledText> }
  | ({ readonly kind: "table" } & TableRows)
  | ({ readonly kind: "images" } & ImageSet)
);

export type LabelledText = { readonly text: string; readonly label: string };

export type DataWishes = ColumnWishes & { readonly imageSize: ImageSize | null };

const TABLES: Readonly<Record<string, (path: string, file: string) => Promise<TableFile>>> = {
  ".csv": openCsv,
  ".tsv": openCsv,
  ".jsonl": openJsonLines,
  ".ndjson": openJsonLines,
  ".parquet": openParquet,
};

/** Open the files and folders at `paths`, all of one kind. Throws an InputProblem. */
export async function openData(paths: readonly string[], wishes: DataWishes): Promise<DataSource> {
  const files: string[] = [];
  const imageFolders: string[] = [];
  for (const path of paths) {
    const found = await stat(path).catch(() => null); // missing is the expected case
    if (found === null) throw new InputProblem(`${path}: there is no such file or folder.`);
    if (!found.isDirectory()) files.push(path);
    else if (await isImageFolder(path)) imageFolders.push(path);
    else files.push(...(await filesOf(path)));
  }
  const known = files.filter((path) => kindOf(path) !== null);
  const kinds = new Set([...known.map(kindOf), ...(imageFolders.length > 0 ? ["images"] : [])]);
  const [kind] = kinds;
  if (kind === undefined) {
    throw new InputProblem(
      `${paths.join(", ")}: nothing that can be read; known are .txt, .md, .jsonl, .csv, .tsv, .parquet, IDX files and folders of images, one a class.`,
    );
  }
  if (kinds.size > 1) {
    throw new InputProblem(
      `${paths.join(", ")}: files of several kinds (${[...kinds].join(", ")}); a model learns from one.`,
    );
  }
  const sizeBytes = await totalBytes([...known, ...imageFolders]);
  if (kind === "images") return { kind, sizeBytes, ...(await oneFolder(imageFolders, wishes)) };
  if (kind === "idx") return { kind: "images", sizeBytes, ...(await openIdx(known)) };
  if (kind === "text")
    return { kind: "documents", sizeBytes, documents: () => readDocuments(known) };
  return { sizeBytes, ...(await openTables(known, wishes)) };
}

function oneFolder(folders: readonly string[], { imageSize }: DataWishes): Promise<ImageSet> {
  const [folder, other] = folders;
  if (other !== undefined) {
    throw new InputProblem(
      `${folders.join(", ")}: give one folder, in which each class has its own.`,
    );
  }
  return openImageFolder(folder!, imageSize);
}

async function openTables(paths: readonly string[], wishes: DataWishes) {
  const tables = await Promise.all(paths.map((path) => opener(path)(path, basename(path))));
  const first = tables[0]!;
  for (const { file, columns } of tables) {
    if (columns.join("\0") !== first.columns.join("\0")) {
      throw problemAt({ file }, `other columns than ${first.file} has`);
    }
  }
  const roles: Roles = rolesOf(first, wishes);
  switch (roles.kind) {
    case "documents":
      return { kind: roles.kind, documents: () => documentsOf(tables, roles) };
    case "labelled-texts":
      return { kind: roles.kind, rows: () => labelledOf(tables, roles) };
    case "table":
      return { kind: roles.kind, ...rowsOf(tables, roles) };
  }
}

function opener(path: string) {
  return TABLES[extname(path).toLowerCase()]!; // `kindOf` has said that it is a table
}

function kindOf(path: string): "text" | "idx" | "table" | null {
  const name = basename(path);
  if (isIdxImages(name)) return "idx";
  if (isTextFile(name)) return "text";
  return TABLES[extname(name).toLowerCase()] === undefined ? null : "table";
}

async function filesOf(folder: string): Promise<string[]> {
  const texts = await findTextFiles(folder);
  const names = (await readdir(folder)).sort();
  const others = names.filter((name) => !isTextFile(name)).map((name) => join(folder, name));
  const found = others.filter((path) => kindOf(path) !== null);
  return found.length > 0 ? found : texts; // a README beside a table is no data
}

async function totalBytes(paths: readonly string[]): Promise<number> {
  let total = 0;
  for (const path of paths) {
    const found = await stat(path);
    if (!found.isDirectory()) total += found.size;
    else {
      const names = await readdir(path, { recursive: true });
      for (const name of names) total += (await stat(join(path, name))).size;
    }
  }
  return total;
}
