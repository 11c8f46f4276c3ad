/** `npm test`: the linter and the types, then unit, browser and end-to-end tests; all of them, and at the end what failed. */
import { spawnSync } from "node:child_process";
import { buildPageIfStale, ROOT } from "../cli/page-build.ts";
import { ensureChromium } from "./chromium.ts";
import { ensurePostgres } from "./postgres.ts";
import { runStages, stagesSummary } from "./stages.ts";

const CHROMIUM = ensureChromium();
ensurePostgres();
await buildPageIfStale();
const stages = runStages(
  ["check", "test:unit", "test:browser", "test:e2e"],
  (script) =>
    spawnSync("npm", ["run", "--silent", script], {
      cwd: ROOT,
      stdio: "inherit",
      env: { ...process.env, CHROMIUM },
    }).status === 0,
  performance.now.bind(performance),
  console.log,
);
console.log(`\n${stagesSummary(stages)}`);
process.exitCode = stages.every(({ passed }) => passed) ? 0 : 1;
