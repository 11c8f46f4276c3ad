import { expect, test } from "vitest";
import type { VersionRecord } from "../protocol/schemas/version.ts";
import type { SuiteStanding } from "./act.ts";
import { suiteTestProblem } from "./verify-suites.ts";

const suite = { name: "dim-pictures", since: 3, until: 6 } as SuiteStanding; // what the rule asks of it

/** Whether version `number`, tested on these suites, is in order while the suite was in force after 3 and up to 6. */
function problemOf(number: number, tested: readonly string[]) {
  const tests = tested.map((name) => ({ suite: name }));
  const record = { number, evaluation: { gate: { tests } } } as VersionRecord;
  return suiteTestProblem(record, [suite]);
}

test("U8: versions are tested on a suite while it is in force, and may be right after each act", () => {
  const due = [5, 6];
  const free = [4, 7];
  const foreign = [3, 8];
  for (const number of [...due, ...free]) {
    expect(problemOf(number, ["gate", "dim-pictures"])).toBeNull();
  }
  for (const number of [...free, ...foreign]) expect(problemOf(number, ["gate"])).toBeNull();
  for (const number of due) {
    expect(problemOf(number, ["gate"])).toBe("it was not tested on the suite dim-pictures");
  }
  for (const number of foreign) {
    expect(problemOf(number, ["gate", "dim-pictures"])).toContain("no suite in force");
  }
  expect(problemOf(5, ["gate", "protected", "dim-pictures", "other"])).toBe(
    "it was tested on other, which was no suite in force",
  );
});

test("U8: a revert that a maintainer insisted on has no tests", () => {
  const record = { number: 5, evaluation: { gate: null } } as VersionRecord;
  expect(suiteTestProblem(record, [suite])).toBeNull();
});
