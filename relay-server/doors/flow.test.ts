import { expect, test } from "vitest";
import type { FlowRow } from "../store/sql/flow.ts";
import { countFlow } from "./flow.ts";

const row = (change: Partial<FlowRow>): FlowRow => ({
  state: "received",
  reason_code: null,
  received_at: 1000,
  screened_at: null,
  scored_at: null,
  updated_at: 1000,
  ...change,
});
const screened = { screened_at: 2000, updated_at: 2000 };
const rows = [
  row({}),
  row({ state: "refused", reason_code: "unrelated", updated_at: 3000 }),
  row({ ...screened, state: "refused", reason_code: "harmful" }),
  row({ ...screened, state: "screened" }),
  row({ ...screened, state: "scored", scored_at: 4000 }),
  row({ ...screened, state: "queued" }),
  row({ ...screened, state: "refused", reason_code: "gate-failed" }),
  row({ ...screened, state: "refused", reason_code: "harmful", scored_at: 4000 }), // by its cohort
  row({ ...screened, state: "merged", updated_at: 21_000 }),
  row({ ...screened, state: "reverted", updated_at: 99_000 }),
];
const doors = [
  { code: "copied", at: 1000 },
  { code: "no-effect", at: 2000 },
  { code: "copied", at: 3000 },
];
const span = { since: 0, until: 24_000 };

test("H46: each station says what passed it, what waits there and what was lost there, and why", () => {
  const { stages } = countFlow(rows, doors, span);
  expect(stages).toEqual([
    {
      stage: "received",
      passed: 13,
      waiting: 0,
      lost: [
        { code: "copied", count: 2 },
        { code: "no-effect", count: 1 },
      ],
    },
    { stage: "well-formed", passed: 10, waiting: 1, lost: [{ code: "unrelated", count: 1 }] },
    { stage: "screened", passed: 8, waiting: 1, lost: [{ code: "harmful", count: 1 }] },
    { stage: "scored", passed: 6, waiting: 1, lost: [] },
    {
      stage: "queued",
      passed: 5,
      waiting: 1,
      lost: [
        { code: "gate-failed", count: 1 },
        { code: "harmful", count: 1 },
      ],
    },
    { stage: "merged", passed: 2, waiting: 0, lost: [] },
  ]);
});

test("H46: nothing is lost between two stations: what passed one waits, is lost or passes the next", () => {
  const { stages } = countFlow(rows, doors, span);
  for (const [i, { passed, waiting, lost }] of stages.slice(0, -1).entries()) {
    const gone = lost.reduce((sum, { count }) => sum + count, 0);
    expect(passed - waiting - gone).toBe(stages[i + 1]!.passed);
  }
});

test("H46: from the receipt to the first word, and to the merge, a reverted patch counting for neither's end", () => {
  const { verdictSeconds, mergeSeconds } = countFlow(rows, doors, span);
  expect(verdictSeconds).toEqual({ p50: 1, p95: 3 });
  expect(mergeSeconds).toEqual({ p50: 20, p95: 20 });
  const nothing = countFlow([], [], span);
  expect([nothing.verdictSeconds, nothing.mergeSeconds]).toEqual([null, null]);
  const setBack = countFlow([row({ state: "merged", updated_at: 0 })], [], span);
  expect(setBack.mergeSeconds).toEqual({ p50: 0, p95: 0 });
});

test("H46: the time in 24 parts has everything once", () => {
  const { parts } = countFlow(rows, doors, span);
  expect(parts).toHaveLength(24);
  const total = (name: "received" | "merged" | "refused") =>
    parts.reduce((sum, part) => sum + part[name], 0);
  expect([total("received"), total("merged"), total("refused")]).toEqual([13, 2, 7]);
  expect(parts[1]).toMatchObject({ at: 1000, received: 11, merged: 2, verdictSeconds: 1 });
  expect(parts[5]).toMatchObject({ received: 0, verdictSeconds: null });
});
