import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import type { RunResult } from "./result-store.ts";
import { type RunSpec, runKey } from "./spec.ts";

/** A run that stands behind a published section, with the hash of the code that ran it. */
export type PublishedRun = RunResult & { readonly spec: RunSpec; readonly code: string };

/** Write runs as gzipped JSON lines; the same runs give the same bytes on the same engine. */
export async function writePublished(path: string, runs: readonly PublishedRun[]): Promise<void> {
  const lines = runs.map(
    ({ spec, code, report, ...ran }) => `${JSON.stringify({ spec, code, ...ran, report })}\n`,
  );
  await writeFile(path, await promisify(gzip)(lines.join(""), { level: 9 }));
}

/** The runs of the files at `paths`, by the key that a result store keeps them under. */
export async function readPublished(paths: readonly string[]): Promise<Map<string, RunResult>> {
  const results = new Map<string, RunResult>();
  for (const path of paths) {
    const text = (await promisify(gunzip)(await readFile(path))).toString();
    for (const line of text.split("\n").filter((each) => each !== "")) {
      const { spec, code, ...result }: PublishedRun = JSON.parse(line);
      results.set(await runKey(spec, code), result);
    }
  }
  return results;
}
