import { afterEach, beforeEach, expect, test } from "vitest";
import { eventually } from "../tests/fixtures/eventually.ts";
import { filled } from "../tests/fixtures/ledger-rows.ts";
import {
  HELD_ALONE,
  HELD_AMONG_OTHERS,
  type LeaseParts,
  type LeaseTerms,
  startLeases,
} from "./leases.ts";
import { openSqlite } from "./store/sqlite/sqlite.ts";
import type { HistoryStore } from "./store/store.ts";

let db: ReturnType<typeof openSqlite>;
let history: HistoryStore;
beforeEach(async () => {
  db = openSqlite(":memory:");
  ({ history } = await filled(db));
});
afterEach(() => db.destroy());

const idle: LeaseParts = {
  models: () => ["tiny"],
  sayOf: () => ({ problem: null, scoreSeconds: null }),
  hear() {},
  onChange() {},
};
const terms = (holder: string, lengthMs = 3600_000): LeaseTerms => ({
  holder,
  lengthMs,
  renewMs: 1,
});

test("H41: another relay publishes once the one before it has left", async () => {
  const heard: string[] = [];
  const parts = { ...idle, onChange: (model: string) => void heard.push(model) };
  const first = await startLeases(history, terms("one"), parts);
  const second = await startLeases(history, terms("two"), parts);
  expect(heard).toEqual(["tiny"]);
  const fence = first.fenceOf("tiny")!;
  expect(second.fenceOf("tiny")).toBe(null);
  await first.close();
  expect(first.fenceOf("tiny")).toBe(null);
  await eventually(() => expect(second.fenceOf("tiny")).toBe(fence + 1));
  expect(heard).toEqual(["tiny", "tiny"]);
  await second.close();
});

test("H41: a relay whose lease ran out while it slept hears at its next renewal that it has lost the model", async () => {
  const asleep = { holder: "one", lengthMs: 0, renewMs: 3600_000 };
  const first = await startLeases(history, asleep, idle);
  const second = await startLeases(history, terms("two"), idle);
  expect([first, second].map(({ fenceOf }) => fenceOf("tiny"))).toEqual([1, 2]);
  await first.renew();
  expect(first.fenceOf("tiny")).toBe(null);
  await first.close();
  await second.close();
});

test("H41: a relay hears what the one that publishes a model says of it", async () => {
  const said = { problem: "the relay's disk is full", scoreSeconds: 2 };
  const first = await startLeases(history, terms("one"), { ...idle, sayOf: () => said });
  await first.renew();
  const heard: unknown[] = [];
  const hear = (...words: unknown[]) => void heard.push(words);
  const second = await startLeases(
    history,
    { ...terms("two"), renewMs: 3600_000 },
    { ...idle, hear },
  );
  expect(heard).toEqual([["tiny", said]]);
  await first.close();
  await second.close();
});

test("H41: a relay that is alone holds at once what a killed one held", async () => {
  const killed = await startLeases(history, HELD_ALONE, idle);
  const next = await startLeases(history, HELD_ALONE, idle);
  expect(next.fenceOf("tiny")).toBe(killed.fenceOf("tiny"));
});

test("H41: another relay publishes within ten seconds of the last sign of the one before", () => {
  expect(HELD_AMONG_OTHERS.lengthMs + HELD_AMONG_OTHERS.renewMs).toBeLessThan(10_000);
  expect(HELD_AMONG_OTHERS.lengthMs).toBeGreaterThan(3 * HELD_AMONG_OTHERS.renewMs); // a renewal that fails is no loss
});

test("H41: a renewal that the ledger did not answer is made up for, also where no other relay can come", async () => {
  let isAway = false;
  const passing: Pick<HistoryStore, "holdLeases" | "releaseLeases"> = {
    releaseLeases: history.releaseLeases,
    holdLeases: (asked) =>
      isAway
        ? Promise.reject(Object.assign(new Error("locked"), { code: "SQLITE_BUSY" }))
        : history.holdLeases(asked),
  };
  const models: string[] = [];
  const leases = await startLeases(passing, HELD_ALONE, { ...idle, models: () => models });
  models.push("tiny"); // a model that has come
  isAway = true;
  await leases.renew();
  expect(leases.fenceOf("tiny")).toBe(null);
  isAway = false;
  await eventually(() => expect(leases.fenceOf("tiny")).toBe(1));
  await leases.close();
});
