import { expect, test } from "vitest";
import { pairedTest } from "../gate/paired-test.ts";
import type { SealedSuite, SuiteTest, VersionRecord } from "../protocol/schemas/version.ts";
import { createGateChecks } from "./gate-checks.ts";

const EXAMPLES = 200;
const RULES = { marginNats: 0.05, alpha: 0.05, beta: 0.05, maxExamples: EXAMPLES, clipNats: 1 };

/** What a model with this parameter does: losses of 1 nat with a sway, less the parameter. */
function run([better = 0]: Float32Array) {
  const losses = Float32Array.from({ length: EXAMPLES }, (_, i) => 1 - better + 0.1 * (i % 5));
  return { losses, correct: losses, answers: new Uint8Array(EXAMPLES) };
}

const parent = Float32Array.of(0);
const own = Float32Array.of(0.02);
const found = pairedTest(
  run(own).losses.map((loss, i) => loss - run(parent).losses[i]!),
  RULES,
);
const against = (earlier: SuiteTest["against"]): SuiteTest => ({
  suite: "gate",
  against: earlier,
  version: 0,
  decision: "pass",
  examples: found.examples,
  meanDifferenceNats: found.meanDifference,
  logEvidence: found.logEvidencePass,
  passAt: -Math.log(RULES.alpha),
  examplesWere: "fresh",
  marginNats: RULES.marginNats,
  clipNats: RULES.clipNats,
});
const suites: SealedSuite[] = [
  {
    suite: "gate",
    packetExamples: EXAMPLES,
    reserveExamples: EXAMPLES,
    packets: ["0".repeat(64), "1".repeat(64)],
    reserve: "f".repeat(64),
  },
];
const tests = [against("parent"), against("release"), against("best")];
const flips = { version: 0, flips: 0, rightBefore: 0, budget: 0.1 };
const records = [
  { number: 0, suites, packets: { gate: 0 }, evaluation: { gate: null } },
  { number: 1, packets: { gate: 1 }, evaluation: { gate: { tests, flips } } },
] as unknown as VersionRecord[];
const packets = new Map([[suites[0]!.packets[0]!, Uint8Array.of(7)]]);

test("V13: a gate is recomputed on the packets that its version opens, with one run of each version that it names", async () => {
  const ran: (readonly [number, readonly Uint8Array[]])[] = [];
  const checks = createGateChecks(records, async (parameters, files) => {
    ran.push([parameters[0]!, files]);
    return run(parameters);
  });
  checks.keep(0, parent);
  await checks.check(records[1]!, own, packets);
  expect(ran).toEqual([
    [own[0], [Uint8Array.of(7)]],
    [parent[0], [Uint8Array.of(7)]],
  ]);
});

test("V13: of the packets that a version opens its gate is recomputed on the last, which the tests saw", async () => {
  const [zero, one] = records;
  const later = [zero!, { ...one!, packets: { gate: 2 } }];
  const both = new Map(suites[0]!.packets.map((hash, i) => [hash, Uint8Array.of(i)]));
  const ran: (readonly Uint8Array[])[] = [];
  const checks = createGateChecks(later, async (parameters, files) => {
    ran.push(files);
    return run(parameters);
  });
  checks.keep(0, parent);
  await checks.check(later[1]!, own, both);
  expect(ran).toEqual([[Uint8Array.of(1)], [Uint8Array.of(1)]]);
});

test("V13: a version whose model does otherwise than its record says is a fault of its gate", async () => {
  const checks = createGateChecks(records, async () => run(parent));
  checks.keep(0, parent);
  await expect(checks.check(records[1]!, own, packets)).rejects.toMatchObject({
    fault: "gate",
    version: 1,
    message: expect.stringContaining("its gate test against version 0, run again, does not pass"),
  });
});
