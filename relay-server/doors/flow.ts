import { FLOW_STAGES, type Flow } from "../../core/protocol/schemas/flow.ts";
import type { DoorRefusal, FlowRow } from "../store/sql/flow.ts";

const PARTS = 24;
const LATE_CODES = new Set(["gate-failed", "no-gain"]); // what a cohort's gate says of queued work

type Stage = (typeof FLOW_STAGES)[number];
type Span = { readonly since: number; readonly until: number };

/** Count what became of `rows` and of what the door refused, both of the time from `since` to `until`. */
export function countFlow(
  rows: readonly FlowRow[],
  atTheDoor: readonly DoorRefusal[],
  span: Span,
): Omit<Flow, "model"> {
  return {
    ...span,
    stages: stagesOf(rows, atTheDoor),
    verdictSeconds: spreadOf(rows.map(verdictSeconds)),
    mergeSeconds: spreadOf(rows.map(mergeSeconds)),
    parts: partsOf(rows, atTheDoor, span),
  };
}

function stagesOf(rows: readonly FlowRow[], atTheDoor: readonly DoorRefusal[]): Flow["stages"] {
  const counts = FLOW_STAGES.map((stage) => ({
    stage,
    passed: 0,
    waiting: 0,
    lost: new Map<string, number>(),
  }));
  const note = (stage: Stage, code: string | null, isWaiting: boolean) => {
    const last = FLOW_STAGES.indexOf(stage);
    for (const each of counts.slice(0, last + 1)) each.passed++;
    const { lost } = counts[last]!;
    if (code !== null) lost.set(code, (lost.get(code) ?? 0) + 1);
    else if (isWaiting) counts[last]!.waiting++;
  };
  for (const { code } of atTheDoor) note("received", code, false);
  for (const row of rows) {
    const stage = stageOf(row);
    const code = row.state === "refused" ? (row.reason_code ?? "internal") : null; // a refused row has one
    note(stage, code, stage !== "merged");
  }
  return counts.map(({ lost, ...each }) => ({
    ...each,
    lost: [...lost]
      .map(([code, count]) => ({ code, count }))
      .sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1)),
  }));
}

/** The last station that a contribution passed. Work that is not drawn for a score passes that by. */
function stageOf({ state, reason_code, screened_at, scored_at }: FlowRow): Stage {
  if (state === "merged" || state === "reverted") return "merged";
  if (state === "queued" || LATE_CODES.has(reason_code ?? "")) return "queued";
  if (reason_code === "harmful" && scored_at !== null) return "queued"; // where the score itself refuses, it sets no time
  if (scored_at !== null) return "scored";
  return screened_at === null ? "well-formed" : "screened";
}

/** From the receipt to the first word about the work itself; null before. */
function verdictSeconds({
  state,
  received_at,
  screened_at,
  scored_at,
  updated_at,
}: FlowRow): number | null {
  const isRefusedAtOnce = state === "refused" && screened_at === null;
  const at = scored_at ?? screened_at ?? (isRefusedAtOnce ? updated_at : null);
  return at === null ? null : Math.max(0, at - received_at) / 1000; // a clock may be set back
}

/** From the receipt to the merge; null before. */
function mergeSeconds({ state, received_at, updated_at }: FlowRow): number | null {
  return state === "merged" ? Math.max(0, updated_at - received_at) / 1000 : null;
}

function spreadOf(seconds: readonly (number | null)[]): Flow["mergeSeconds"] {
  const sorted = seconds.filter((each) => each !== null).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1];
  const [p50, p95] = [at(0.5), at(0.95)];
  return p50 === undefined || p95 === undefined ? null : { p50, p95 };
}

function partsOf(
  rows: readonly FlowRow[],
  atTheDoor: readonly DoorRefusal[],
  { since, until }: Span,
): Flow["parts"] {
  const width = Math.max(1, (until - since) / PARTS);
  const partOf = (at: number) => Math.min(PARTS - 1, Math.max(0, Math.floor((at - since) / width)));
  const ofPart = Array.from({ length: PARTS }, () => [] as FlowRow[]);
  for (const row of rows) ofPart[partOf(row.received_at)]!.push(row);
  const refusedAtTheDoor = new Array<number>(PARTS).fill(0);
  for (const { at } of atTheDoor) refusedAtTheDoor[partOf(at)]!++;
  return ofPart.map((of, part) => ({
    at: Math.floor(since + part * width),
    received: of.length + refusedAtTheDoor[part]!,
    merged: of.filter((row) => stageOf(row) === "merged").length,
    refused: of.filter(({ state }) => state === "refused").length + refusedAtTheDoor[part]!,
    verdictSeconds: spreadOf(of.map(verdictSeconds))?.p50 ?? null,
    mergeSeconds: spreadOf(of.map(mergeSeconds))?.p50 ?? null,
  }));
}
