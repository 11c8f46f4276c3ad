import { judgedRow, type Row } from "../../bench/figures.ts";
import type { CommunityReport } from "../community/report.ts";

const ON_MASK_TARGET = 80; // percent

/** How much of the work came while its mask was in force, which a mask of one's own always is. */
export function onMaskRow(whose: string, reports: readonly CommunityReport[]): Row {
  const all = reports.flatMap(({ contributions }) => contributions);
  const value = (100 * all.filter(({ isOnMask }) => isOnMask).length) / all.length;
  const what = `${whose}: arrived on the mask in force`;
  return judgedRow({ what, value, unit: "%" }, ">=", ON_MASK_TARGET);
}

/** How much of the work did not get into a version, such as "4 of 31". */
export function notMerged(reports: readonly CommunityReport[]): string {
  const all = reports.flatMap(({ contributions }) => contributions);
  return `${all.filter(({ fate }) => fate !== "merged").length} of ${all.length}`;
}
