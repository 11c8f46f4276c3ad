/** `npm run many -- [--processes N] [--sleep SECONDS] [--json]`: relays on one PostgreSQL behind nginx, each part of which fails in turn. */
import { parseArgs } from "node:util";
import { figuresOf, judgedRow, printFigures } from "../bench/figures.ts";
import { runMany } from "../tests/fixtures/many-load.ts";
import { ensurePostgres } from "./postgres.ts";

const { values } = parseArgs({
  options: {
    processes: { type: "string", default: "2" },
    sleep: { type: "string", default: "60" },
    json: { type: "boolean", default: false },
  },
});
const [processes, sleepSeconds] = [Number(values.processes), Number(values.sleep)];
if (!Number.isInteger(processes) || processes < 2 || !(sleepSeconds >= 0)) {
  console.error("Usage: npm run many -- [--processes N] [--sleep SECONDS] [--json]");
  process.exit(1);
}
ensurePostgres();
const report = await runMany({
  processes,
  sleepMs: 1000 * sleepSeconds,
  onStep: (what) => console.error(what),
});
const none = (what: string, value: number, unit: string) =>
  judgedRow({ what, value, unit }, "<=", 0);
const rows = [
  { what: "relays", value: processes, unit: "processes" },
  { what: "versions", value: report.versions, unit: "versions" },
  { what: "acknowledged", value: report.acknowledged, unit: "contributions" },
  none("acknowledged and lost", report.lost, "contributions"),
  none("merged twice", report.twice, "contributions"),
  { what: "readers came back", value: report.returns, unit: "times" },
  none("readers that missed a version or heard one twice", report.misheard, "readers"),
  ...report.takeovers.map(({ after, ms }) =>
    judgedRow({ what: `${after}: until it goes on`, value: ms, unit: "ms" }, "<=", 10_000),
  ),
];
printFigures(figuresOf("many", "none", rows), values.json);
