import { readFile } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";
import { decisiveFiles } from "./code-hash.ts";

/** What a run's figures don't follow from: names, words, errors, keys; and how a study is told. */
const INNOCENT = [
  /^bench\/figures\.ts$/,
  /^core\/(crypto\/signature|errors|hex)\.ts$/,
  /^core\/protocol\/(reject-codes|schemas\/(contribution|inputs|primitives|version))\.ts$/,
  /^models\/shipped\.ts$/,
  /^sim\/(charts|presets)\//,
  /^sim\/(options|rows)\.ts$/,
  /^sim\/runs\/(run-process|spec)\.ts$/,
];
const IMPORT = /^(?:import|export)\s+(?!type\b)[^;]*?from\s+"(\.[^"]+)"|import\("(\.[^"]+)"\)/gms;

/** All of the project's files that `entry` loads when it runs. */
async function loadedBy(entry: string): Promise<Set<string>> {
  const found = new Set<string>();
  const open = [entry];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    for (const [, named, dynamic] of (await readFile(path, "utf8")).matchAll(IMPORT)) {
      const target = named ?? dynamic ?? "";
      if (target.endsWith(".ts")) open.push(normalize(join(dirname(path), target)));
    }
  }
  return found;
}

test("a run is known by every file that its figures follow from", async () => {
  const decisive = new Set([...decisiveFiles("digits"), ...decisiveFiles("presidents")]);
  const loaded = await loadedBy("sim/runs/run-process.ts");
  expect(loaded.size).toBeGreaterThan(100);
  const forgotten = [...loaded].filter(
    (path) => !decisive.has(path) && !INNOCENT.some((innocent) => innocent.test(path)),
  );
  expect(forgotten).toEqual([]);
});
