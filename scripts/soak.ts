/** `npm run soak -- [--minutes N] [--volunteers N] [--seed S] [--json]`: does a relay stay as large as it is, whoever comes and goes? */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { figuresOf, judgedRow, printFigures, type Row } from "../bench/figures.ts";
import { killAll, startKillable } from "../tests/fixtures/killable-relay.ts";
import { type Holding, holdingOf, runCrowd } from "../tests/fixtures/soak-load.ts";

const LOOK_MS = 5000;
/** How much more the last quarter may hold than the second: what grows for ever grows by more within the hour. */
const MOST_GROWTH = {
  residentMb: { what: "resident memory", unit: "MB", most: 64 },
  descriptors: { what: "descriptors", unit: "files", most: 16 },
  walMb: { what: "write-ahead log", unit: "MB", most: 8 },
  temporaryFiles: { what: "temporary files", unit: "files", most: 3 },
  passingRows: { what: "rows that pass", unit: "rows", most: 4096 }, // the events that a relay remembers
} as const;
type Measure = keyof typeof MOST_GROWTH;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    volunteers: { type: "string", default: "50" },
    seed: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});
const [minutes, volunteers, seed] = [values.minutes, values.volunteers, values.seed].map(Number);
if (!(Number(minutes) > 0) || !(Number(volunteers) > 0) || !Number.isInteger(seed)) {
  console.error("Usage: npm run soak -- [--minutes N] [--volunteers N] [--seed S] [--json]");
  process.exit(1);
}

const dataDir = await mkdtemp(join(tmpdir(), "commonweight-soak-"));
try {
  const relay = await startKillable(dataDir);
  const pid = relay.child.pid!; // it has answered
  const ending = new AbortController();
  const crowd = runCrowd(relay, {
    ...{ volunteers: Number(volunteers), seed: Number(seed) },
    signal: ending.signal,
  });
  const seen: Holding[] = [];
  for (const endsAt = Date.now() + Number(minutes) * 60_000; Date.now() < endsAt; ) {
    await pause(LOOK_MS);
    seen.push(await holdingOf(pid, dataDir));
    console.error(JSON.stringify(seen.at(-1)));
  }
  ending.abort();
  const { sent, refused, failed, visits } = await crowd;
  const { head } = await relay.client.model("tiny");
  const rows: Row[] = [
    { what: "visits", value: visits, unit: "volunteers" },
    { what: "pieces sent", value: sent, unit: "contributions" },
    { what: "pieces refused", value: refused, unit: "contributions" },
    { what: "no work, or a piece that failed", value: failed, unit: "times" },
    { what: "versions", value: head.number, unit: "versions" },
    { what: "rows that last, a piece", value: seen.at(-1)!.lastingRows / sent, unit: "rows" },
    ...(Object.keys(MOST_GROWTH) as Measure[]).flatMap((measure) => growthRows(seen, measure)),
  ];
  printFigures(figuresOf("soak", Number(seed), rows), values.json);
} finally {
  await killAll();
  await rm(dataDir, { recursive: true, force: true });
}

function growthRows(seen: readonly Holding[], measure: Measure): Row[] {
  const { what, unit, most } = MOST_GROWTH[measure];
  const quarter = Math.max(1, Math.floor(seen.length / 4));
  const medianOf = (part: readonly Holding[]) =>
    part.map((holding) => holding[measure]).sort((a, b) => a - b)[part.length >> 1] ?? Number.NaN;
  const early = medianOf(seen.slice(quarter, 2 * quarter));
  const late = medianOf(seen.slice(-quarter));
  return [
    { what: `${what}, last quarter`, value: late, unit },
    judgedRow(
      { what: `${what}, more than in the second quarter`, value: late - early, unit },
      "<=",
      most,
    ),
  ];
}
