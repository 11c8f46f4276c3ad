import { expect, test } from "vitest";
import type { SealedSuite, SuiteTest } from "../../core/protocol/schemas/version.ts";
import { exportedVersion } from "../../tests/fixtures/exported-version.ts";
import { gpt2 } from "../../tests/fixtures/known-transformers.ts";
import { testStatements } from "./in-toto.ts";
import type { Release } from "./release.ts";

const hash = (digit: string) => digit.repeat(64);
const sealed: SealedSuite = {
  suite: "gate",
  packetExamples: 12,
  reserveExamples: 24,
  packets: [hash("0"), hash("1"), hash("2"), hash("3")],
  reserve: hash("f"),
};

/** What the statement names for the gate suite of a version whose parent has opened one packet. */
function namedOf(examplesWere: SuiteTest["examplesWere"]): readonly string[] {
  const version = exportedVersion(
    gpt2({ vocabulary: 256, context: 8, layers: 1, channels: 4, heads: 1 }),
  );
  const { evaluation } = version.record;
  const gate = evaluation.gate!;
  const tests = gate.tests!.map((each) => ({ ...each, examplesWere }));
  const release = {
    ...version,
    record: {
      ...version.record,
      packets: { gate: 4 },
      evaluation: { ...evaluation, gate: { ...gate, tests } },
    },
    acts: { recipe: hash("a"), suites: new Map() },
    sealed: [sealed],
    openedBefore: { gate: 1 },
  } as unknown as Release; // what a statement reads of it
  const [statement] = testStatements(release, { name: "model.safetensors", sha256: hash("e") });
  const { predicate } = statement as { predicate: { configuration: { name: string }[] } };
  return predicate.configuration.map(({ name }) => name);
}

test("R11: a test result names the last packets that its version opens, which its fresh tests saw", () => {
  expect(namedOf("fresh")).toEqual(["recipe", "gate packet 3"]);
});

test("R11: where the tests saw the reserve, it alone is named, and none of the spent packets that the version opens", () => {
  expect(namedOf("reused")).toEqual(["recipe", "gate reserve"]);
});
