import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root folder, ending in "/". */
export const ROOT = fileURLToPath(new URL("../", import.meta.url));

// What the page is made from; a change in any of them makes the build stale.
const SOURCES = [
  "core",
  "kernels",
  "worker",
  "web",
  "public",
  "index.html",
  "vite.config.ts",
  "package-lock.json",
];

/** Build the page into dist/ if it is missing or older than its sources. */
export async function buildPageIfStale(): Promise<void> {
  const built = await modifiedAtMs(join(ROOT, "dist/index.html"));
  if (built !== null && (await newestMs(SOURCES.map((name) => join(ROOT, name)))) <= built) return;
  console.error("Building the page (about 10 s) …");
  const child = spawn(
    process.execPath,
    [join(ROOT, "node_modules/vite/bin/vite.js"), "build", "--logLevel", "error"],
    {
      cwd: ROOT,
      env: { ...process.env, NODE_ENV: "production" }, // a test runner's "test" would build another page
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error("The page could not be built; the messages above say why.");
}

async function newestMs(paths: readonly string[]): Promise<number> {
  const times = await Promise.all(
    paths.map(async (path) => {
      const own = (await modifiedAtMs(path)) ?? 0;
      const info = await stat(path).catch(() => null);
      if (!info?.isDirectory()) return own;
      const names = (await readdir(path)).filter((name) => !name.endsWith(".test.ts"));
      return Math.max(own, await newestMs(names.map((name) => join(path, name))));
    }),
  );
  return Math.max(0, ...times);
}

async function modifiedAtMs(path: string): Promise<number | null> {
  const info = await stat(path).catch(() => null); // missing is the expected case
  return info?.mtimeMs ?? null;
}
