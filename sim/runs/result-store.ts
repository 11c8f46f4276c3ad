import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import type { Machine } from "../../bench/figures.ts";
import type { CommunityReport, Curve } from "../community/report.ts";
import { type RunSpec, runKey } from "./spec.ts";

/** A run that is done. */
export type RunResult = {
  readonly report: CommunityReport | Curve;
  /** That it took by the clock. */
  readonly seconds: number;
  /** When, YYYY-MM-DD, and where it ran: tables drawn from it later or elsewhere say so. */
  readonly date: string;
  readonly machine: Machine;
};

/** Results of runs, so that a preset that was stopped goes on where it was. */
export type ResultStore = {
  read(spec: RunSpec): Promise<RunResult | null>;
  write(spec: RunSpec, result: RunResult): Promise<void>;
};

/**
 * A file for each run in `folder`, and behind them the `published` ones by their keys; runs of other code than the model
 * has now are not found.
 */
export function openResultStore(
  folder: string,
  codeOf: (model: string) => Promise<string>,
  published: ReadonlyMap<string, RunResult>,
): ResultStore {
  const keyFor = async (spec: RunSpec) => runKey(spec, await codeOf(spec.model));
  return {
    async read(spec) {
      const key = await keyFor(spec);
      try {
        const { spec: _, ...result } = JSON.parse(await readFile(`${folder}/${key}.json`, "utf8"));
        return result;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
        return published.get(key) ?? null;
      }
    },
    async write(spec, result) {
      await mkdir(folder, { recursive: true });
      const path = `${folder}/${await keyFor(spec)}.json`;
      const draft = `${path}.${process.pid}`;
      await writeFile(draft, JSON.stringify({ spec, ...result }));
      await rename(draft, path);
    },
  };
}
