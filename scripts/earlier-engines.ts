import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Plugin } from "vite";

const KEPT_MS = 30 * 24 * 60 * 60_000; // tabs stay open for weeks
const KEPT_BYTES = 64 << 20; // some twenty builds that differ in all of the engine

/**
 * Builds over an earlier build, of which the engine stays: a page that was opened before a deploy fetches its
 * own engine only when somebody starts it. Takes the place of Vite's `emptyOutDir`.
 */
export function earlierEngines(): Plugin {
  let folder = "";
  return {
    name: "commonweight-earlier-engines",
    apply: "build",
    config: () => ({ build: { emptyOutDir: false } }),
    configResolved({ root, build }) {
      folder = join(root, build.outDir);
    },
    // before Vite copies the public files, and only when there is something to put in place of what goes
    async buildEnd(error) {
      if (error === undefined) await emptyButEngines(folder);
    },
  };
}

/**
 * Empty a build's folder, but for what the last build and those of the month before it left in engine/, the newest
 * files up to `keptBytes`. Names there hold a hash or a version, so that files of several builds lie beside each other.
 */
export async function emptyButEngines(folder: string, keptBytes = KEPT_BYTES): Promise<void> {
  const builtAtMs = await stat(join(folder, "index.html")).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0, // no build, or half of one: nothing tells the age of what is there
  );
  for (const name of await namesIn(folder)) {
    if (name !== "engine") await rm(join(folder, name), { recursive: true });
  }
  const engine = join(folder, "engine");
  const paths = (await namesIn(engine)).map((name) => join(engine, name));
  const files = await Promise.all(paths.map(async (path) => ({ path, stats: await stat(path) })));
  let bytes = 0;
  for (const { path, stats } of files.sort((a, b) => b.stats.mtimeMs - a.stats.mtimeMs)) {
    bytes += stats.size;
    const isOld = stats.mtimeMs < builtAtMs - KEPT_MS;
    if (isOld || bytes > keptBytes) await rm(path, { recursive: true });
  }
}

/** Names in `folder`; none where there is no such folder. */
function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
