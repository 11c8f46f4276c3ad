import { expect, test } from "vitest";
import type { SuiteTest, VersionRecord } from "../protocol/schemas/version.ts";
import { compareTags, releaseEvidence, tagObjection } from "./release-number.ts";

type Compared = readonly [suite: SuiteTest["suite"], against: SuiteTest["against"], number: number];

/** Version `number`, which passed these tests; null: it had no gate. */
function recordOf(number: number, compared: readonly Compared[] | null): VersionRecord {
  const tests = compared?.map(([suite, against, version]) => ({
    ...{ suite, against, version, decision: "pass", examples: 80 },
    ...{ meanDifferenceNats: 0, logEvidence: 9, passAt: 3 },
  }));
  return { number, evaluation: { gate: tests === undefined ? null : { tests } } } as VersionRecord;
}
const last = { tag: "1.2.3", record: recordOf(4, [["gate", "parent", 3]]) };

test("R2: the first release may have any number, and 1.0.0 is proposed", () => {
  const evidence = releaseEvidence(recordOf(2, null), null);
  expect(evidence).toMatchObject({ step: "first", proposed: "1.0.0" });
  expect(tagObjection("0.1.0", null, evidence)).toBeNull();
});

test("R2: what passed every suite's test against the last release is a patch", () => {
  const record = recordOf(7, [
    ["gate", "parent", 6],
    ["gate", "release", 4],
  ]);
  const evidence = releaseEvidence(record, last);
  expect(evidence).toMatchObject({ step: "patch", proposed: "1.2.4", newSuites: [] });
  expect(evidence.tests).toHaveLength(1);
  expect(tagObjection("1.2.4", last.tag, evidence)).toBeNull();
  expect(tagObjection("3.0.0", last.tag, evidence)).toBeNull(); // a number may promise less
});

test("R2: the version after the release was tested against it as its parent", () => {
  const evidence = releaseEvidence(recordOf(5, [["gate", "parent", 4]]), last);
  expect(evidence.step).toBe("patch");
  expect(releaseEvidence(recordOf(4, [["gate", "parent", 3]]), last).step).toBe("patch"); // the same version
});

test("R2: a suite that the last release was not tested on makes a minor release", () => {
  const record = recordOf(5, [
    ["gate", "parent", 4],
    ["protected", "parent", 4],
  ]);
  const evidence = releaseEvidence(record, last);
  expect(evidence).toMatchObject({ step: "minor", proposed: "1.3.0", newSuites: ["protected"] });
});

test.each([
  ["an earlier version", recordOf(2, [["gate", "parent", 1]])],
  ["a version that was tested before the release was tagged", recordOf(9, [["gate", "parent", 8]])],
  ["a revert that a maintainer insisted on", recordOf(5, null)],
  [
    "a version of which one suite was not compared with it",
    recordOf(6, [
      ["gate", "release", 4],
      ["protected", "parent", 5],
    ]),
  ],
])("R2: %s is a major release", (_, record) => {
  const evidence = releaseEvidence(record, last);
  expect(evidence).toMatchObject({ step: "major", proposed: "2.0.0" });
  expect(tagObjection("1.3.0", last.tag, evidence)).toMatch(/nothing shows .* It can be 2\.0\.0/);
  expect(tagObjection("2.0.0", last.tag, evidence)).toBeNull();
});

test("tags are compared number by number", () => {
  const tags = ["10.0.0", "1.10.0", "1.9.0", "1.9.10", "1.9.2"];
  expect(tags.toSorted(compareTags)).toEqual(["1.9.0", "1.9.2", "1.9.10", "1.10.0", "10.0.0"]);
  expect(compareTags("1.0.0", "1.0.0")).toBe(0);
});
