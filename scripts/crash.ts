/** `npm run crash -- [--kills N] [--seed S] [--json]`: kill -9 under load, and what became of the work. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { figuresOf, printFigures } from "../bench/figures.ts";
import { runCrashes } from "../tests/fixtures/crash-load.ts";
import { killAll } from "../tests/fixtures/killable-relay.ts";

const VOLUNTEERS = 4;
const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});
const [kills, seed] = [Number(values.kills), Number(values.seed)];
if (!Number.isInteger(kills) || kills < 1 || !Number.isInteger(seed)) {
  console.error("Usage: npm run crash -- [--kills N] [--seed S] [--json]");
  process.exit(1);
}
const dataDir = await mkdtemp(join(tmpdir(), "commonweight-crash-"));
try {
  const report = await runCrashes({
    ...{ dataDir, kills, seed, volunteers: VOLUNTEERS },
    onKill: (done) => console.error(`killed ${done} of ${kills} times`),
  });
  const counted = (what: string, value: number) => ({ what, value, unit: "contributions" });
  const none = (what: string, value: number) => ({
    ...counted(what, value),
    target: "0",
    holds: value === 0,
  });
  const sorted = report.startsMs.slice(1).sort((a, b) => a - b); // the first one imports
  const rows = [
    { what: "kills", value: kills, unit: "times" },
    { what: "versions", value: report.versions, unit: "versions" },
    counted("acknowledged", report.acknowledged),
    none("acknowledged and lost", report.lost),
    none("merged twice", report.twice),
    ...Object.entries(report.ends).map(([end, value]) => counted(`ended as ${end}`, value)),
    { what: "restart, median", value: sorted[sorted.length >> 1] ?? 0, unit: "ms" },
    {
      what: "restart, slowest",
      value: sorted.at(-1) ?? 0,
      unit: "ms",
      target: "<= 3000",
      holds: (sorted.at(-1) ?? 0) <= 3000,
    },
  ];
  printFigures(figuresOf("crash", seed, rows), values.json);
} finally {
  await killAll();
  await rm(dataDir, { recursive: true, force: true });
}
