/** `npm test`: the linter and the types, then unit, browser and end-to-end tests, in this order. */
import { spawnSync } from "node:child_process";
import { buildPageIfStale, ROOT } from "../cli/page-build.ts";
import { ensureChromium } from "./chromium.ts";
import { ensurePostgres } from "./postgres.ts";

const CHROMIUM = ensureChromium();
ensurePostgres();
await buildPageIfStale();
for (const script of ["check", "test:unit", "test:browser", "test:e2e"]) {
  const { status } = spawnSync("npm", ["run", "--silent", script], {
    cwd: ROOT,
    stdio: "inherit",
    env: { ...process.env, CHROMIUM },
  });
  if (status !== 0) process.exit(status ?? 1);
}
