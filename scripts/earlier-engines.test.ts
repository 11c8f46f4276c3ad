import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build } from "vite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { earlierEngines, emptyButEngines } from "./earlier-engines.ts";

const DAY_S = 24 * 60 * 60;
const NOW_S = 1_700_000_000;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-build-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(name: string, ageDays: number): Promise<void> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, name);
  await utimes(path, NOW_S, NOW_S - ageDays * DAY_S);
}

const left = async () =>
  (await readdir(folder, { recursive: true })).filter((name) => name.includes(".")).sort();

test("of an earlier build only the engine stays, however old the build is", async () => {
  for (const name of ["index.html", "assets/index-a.js", "service-worker.js", "engine/main-a.js"]) {
    await write(name, 90);
  }
  await emptyButEngines(folder);
  expect(await left()).toEqual(["engine/main-a.js"]);
});

test("engines that were a month out of use at the last build go", async () => {
  await write("index.html", 10);
  await write("engine/main-new.js", 10);
  await write("engine/main-old.js", 39);
  await write("engine/main-ancient.js", 41);
  await emptyButEngines(folder);
  expect(await left()).toEqual(["engine/main-new.js", "engine/main-old.js"]);
});

test("of many builds' engines the newest files stay, up to a size", async () => {
  await write("index.html", 1);
  for (const [name, ageDays] of [
    ["c", 1],
    ["a", 3],
    ["b", 2],
  ] as const) {
    await write(`engine/main-${name}.js`, ageDays); // as long as its own name
  }
  await emptyButEngines(folder, 2 * "engine/main-a.js".length);
  expect(await left()).toEqual(["engine/main-b.js", "engine/main-c.js"]);
});

test("a first build has nothing to empty", async () => {
  await emptyButEngines(join(folder, "dist"));
  expect(await left()).toEqual([]);
});

test("a build over an earlier one has its own files, the public ones, and the earlier engine", async () => {
  await writeFile(join(folder, "index.html"), "<!doctype html><title>new</title>");
  for (const name of ["public/mark.svg", "dist/engine/main-a.js", "dist/gone.svg"]) {
    await write(name, 1);
  }
  const plugins = [earlierEngines()];
  await build({ root: folder, configFile: false, logLevel: "silent", plugins });
  const built = (await left()).filter((name) => name.startsWith("dist/"));
  expect(built).toEqual(["dist/engine/main-a.js", "dist/index.html", "dist/mark.svg"]);
});
