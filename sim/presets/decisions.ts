import { judgedRow, type Row } from "../../bench/figures.ts";
import { medianOf } from "../../core/median.ts";
import type { CommunityReport } from "../community/report.ts";

const EXAMPLES_TARGET = 1000;

/** How many paired examples of the gate's suite it took to pass a version, against the parent. */
export function decidedRow(whose: string, reports: readonly CommunityReport[]): Row {
  const row = {
    what: `${whose}: paired examples until the gate passed a version, median`,
    value: medianExamples(reports),
    unit: "",
    against: `of ${reports.flatMap(({ versions }) => versions).length} versions`,
  };
  return judgedRow(row, "<=", EXAMPLES_TARGET);
}

export function medianExamples(reports: readonly CommunityReport[]): number {
  const decided = reports.flatMap(({ versions }) => versions.map((each) => each.gateExamples));
  return medianOf(decided) ?? 0;
}
