/** `npm run fuzz -- [--cases N] [--seed S] [--json]`: broken files, requests and messages, each of which must be answered by name. */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { figuresOf, judgedRow, printFigures, type Row } from "../bench/figures.ts";
import { collectGarbage } from "../bench/memory.ts";
import { startTestRelay } from "../tests/fixtures/test-relay.ts";
import { tinyRecipe } from "../tests/fixtures/tiny-model.ts";
import { createVolunteer } from "../tests/fixtures/volunteer.ts";
import { fuzzDecoders } from "../tests/fuzz/decoders.ts";
import { fuzzPeers } from "../tests/fuzz/peers.ts";
import { fuzzRequests, fuzzTickets } from "../tests/fuzz/requests.ts";

const BATCH = 10_000; // cases between two looks at the memory
const MOST_GROWTH_MB = 64; // of what is held after a collection, from a kind's first batch on
const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});
const [cases, seed] = [Number(values.cases), Number(values.seed)];
if (!Number.isInteger(cases) || cases < 1 || !Number.isInteger(seed)) {
  console.error("Usage: npm run fuzz -- [--cases N] [--seed S] [--json]");
  process.exit(1);
}

const told = { calls: [] as unknown[], clear: () => void told.calls.splice(0) };
const write = console.error;
console.error = (...args: unknown[]) => void told.calls.push(...args); // what the relay fails at is looked at after each case
console.warn = () => {}; // and what it tells its owner is not wanted a million times
const limits = { addressRequestsPerMinute: 1e9, addressReadsPerMinute: 1e9 };
const relay = await startTestRelay({
  config: { ...limits, keyRequestsPerMinute: 1e9 },
  seed: `fuzz ${seed}`,
});
try {
  const stage = { relay, told };
  const volunteer = await createVolunteer(relay.client, tinyRecipe);
  const token = (await readFile(relay.relay.maintainerTokenFile, "utf8")).trim();
  const kinds = [
    { what: "files in decoders", share: 0.85, run: fuzzDecoders },
    {
      what: "requests and events",
      share: 0.12,
      run: (runs: number, from: number) => fuzzRequests(stage, token, runs, from),
    },
    {
      what: "signed requests for work",
      share: 0.01,
      run: (runs: number, from: number) => fuzzTickets(stage, volunteer, runs, from),
    },
    {
      what: "messages to signalling",
      share: 0.02,
      run: (runs: number, from: number) => fuzzPeers(stage, runs, from),
    },
  ];
  const rows: Row[] = [];
  let mostGrownMb = 0;
  for (const { what, share, run } of kinds) {
    const all = Math.ceil(share * cases);
    let firstMb = 0;
    for (let done = 0; done < all; done += BATCH) {
      await run(Math.min(BATCH, all - done), seed + done);
      collectGarbage();
      const { heapUsed, external } = process.memoryUsage();
      const usedMb = (heapUsed + external) / 1e6;
      if (done === 0) firstMb = usedMb;
      mostGrownMb = Math.max(mostGrownMb, usedMb - firstMb);
      write(`${what}: ${Math.min(done + BATCH, all)} of ${all}, ${usedMb.toFixed(0)} MB`);
    }
    rows.push({ what, value: all, unit: "cases" });
  }
  const memory = { what: "memory held above a kind's first batch, most", value: mostGrownMb };
  rows.push(judgedRow({ ...memory, unit: "MB" }, "<=", MOST_GROWTH_MB));
  printFigures(figuresOf("fuzz", seed, rows), values.json);
} finally {
  await relay.remove();
}
