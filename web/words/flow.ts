import type { Flow } from "../../core/protocol/schemas/flow.ts";
import { formatSeconds, formatSpan } from "./quantities.ts";

/** The stations for people. */
export const STAGE_TITLES: Readonly<Record<Flow["stages"][number]["stage"], string>> = {
  received: "Received",
  "well-formed": "Well-formed",
  screened: "Screened",
  scored: "Scored, or not drawn",
  queued: "Queued",
  merged: "Merged",
};

/** How long something takes: "3.1 s for half of them, up to 12 s for 95 of 100". */
export function describeSpread(spread: Flow["verdictSeconds"]): string {
  if (spread === null) return "None yet";
  const [half, most] = [spread.p50, spread.p95].map((seconds) =>
    seconds < 60 ? formatSeconds(seconds) : formatSpan(seconds * 1000),
  );
  return `${half} for half of them, up to ${most} for 95 of 100`;
}
