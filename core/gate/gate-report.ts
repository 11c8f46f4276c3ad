import { assert } from "../errors.ts";
import type { VersionRecord } from "../protocol/schemas/version.ts";
import type { GateVerdict } from "./suites.ts";

export type GateReport = NonNullable<VersionRecord["evaluation"]["gate"]>;

/** What a version's record says of the tests that it passed, `evaluations` candidates having been tested in all. */
export function gateReportOf({ tests, flips }: GateVerdict, evaluations: number): GateReport {
  const [first] = tests; // of the gate suite, against the parent
  assert(first !== undefined, "a candidate that passed without a test");
  const { examples, meanDifferenceNats } = first;
  return {
    decision: "pass",
    examples,
    meanDifferenceNats,
    evaluations,
    tests: [...tests],
    ...(flips !== null && { flips }),
  };
}
