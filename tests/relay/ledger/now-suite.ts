import { expect } from "vitest";
import {
  bytes,
  contribution,
  enterQueued,
  HOUR_MS,
  id,
  type LedgerTest,
  STALE_AFTER,
  ticket,
} from "../../fixtures/ledger-rows.ts";

/** What the minute's view of a model asks of the ledger, on any database. */
export function nowSuite(ledgerTest: LedgerTest): void {
  ledgerTest("H45: at work is who holds an unused ticket of the last minutes", async (ledger) => {
    const { tickets, contributions, status } = ledger;
    const of = (contributor: string, n: number) =>
      tickets.issueTicket({ ...ticket(n), contributor }, [0]);
    await of(id(8), 10);
    await of(id(9), 11);
    await of(id(9), 12);
    expect(await status.atWork("tiny", 20, 5)).toEqual({
      count: 3,
      contributors: [id(9), id(8), id(7)],
    });
    expect(await status.atWork("tiny", 20, 1)).toEqual({ count: 3, contributors: [id(9)] });
    const worked = { ...contribution(10), contributor: id(8) };
    await contributions.enter(worked, bytes, STALE_AFTER);
    expect(await status.atWork("tiny", 20, 5)).toEqual({
      count: 2,
      contributors: [id(9), id(7)],
    });
    const nobody = { count: 0, contributors: [] };
    expect(await status.atWork("tiny", HOUR_MS - 1, 5)).toEqual(nobody);
    expect(await status.atWork("other", 20, 5)).toEqual(nobody);
  });

  ledgerTest("H45: the next cohort is what is queued, the oldest first", async (ledger) => {
    const nobody = { count: 0, contributors: [], since: null };
    expect(await ledger.status.queued("tiny", 5)).toEqual(nobody);
    await enterQueued(ledger, 2, 30);
    await enterQueued(ledger, 1, 31);
    await ledger.contributions.enter(contribution(3), bytes, STALE_AFTER);
    expect(await ledger.status.queued("tiny", 5)).toEqual({
      count: 2,
      contributors: [id(7), id(7)],
      since: 30,
    });
    expect(await ledger.status.queued("tiny", 1)).toMatchObject({ count: 2, since: 30 });
  });

  ledgerTest("H46: a day's work is read from the newest, as far as it came", async (ledger) => {
    const { contributions, status } = ledger;
    await enterQueued(ledger, 1, 30);
    await contributions.enter(contribution(2), bytes, STALE_AFTER);
    const [newest, older] = await status.arrivals("tiny", 1, 5);
    expect(newest).toEqual({
      state: "received",
      reason_code: null,
      received_at: 2,
      screened_at: null,
      scored_at: null,
      updated_at: 2,
    });
    expect(older).toMatchObject({ state: "queued", screened_at: 30, scored_at: 30 });
    expect(await status.arrivals("tiny", 2, 5)).toHaveLength(1);
    expect(await status.arrivals("tiny", 1, 1)).toEqual([newest]);
    expect(await status.arrivals("other", 1, 5)).toEqual([]);
    const refusal = { contributor: id(7), code: "copied", message: "", model: "tiny" };
    await ledger.tickets.issueTicket(ticket(4), [0]);
    for (const n of [3, 4]) {
      const row = { id: id(n), ...refusal, refused_at: n, device: null, software: null };
      await contributions.recordRefusal(row, id(n), 0);
    }
    expect(await status.doorRefusals(1, 5)).toEqual([
      { code: "copied", at: 4 },
      { code: "copied", at: 3 },
    ]);
    expect(await status.doorRefusals(4, 5)).toHaveLength(1);
  });

  ledgerTest(
    "H47: a model's work and its refusals at the door are told of one time",
    async (ledger) => {
      const { contributions, status, tickets } = ledger;
      await contributions.enter(contribution(1), bytes, STALE_AFTER);
      await contributions.enter(contribution(2), bytes, STALE_AFTER);
      await tickets.issueTicket(ticket(4), [0]);
      const made = { device: "another processor", software: "commonweight 0.1.0" };
      const refusal = { contributor: id(7), code: "copied", message: "", model: "tiny", ...made };
      for (const n of [3, 4]) {
        await contributions.recordRefusal({ id: id(n), ...refusal, refused_at: n }, id(n), 0);
      }
      const told = async (since: number, limit: number) =>
        (await status.made("tiny", since, limit)).map(({ at, isRefused }) => [at, isRefused]);
      expect(await told(1, 5)).toEqual([
        [4, true],
        [3, true],
        [2, false],
        [1, false],
      ]);
      expect(await told(1, 1)).toEqual([[4, true]]); // what came before is not all known
      expect(await status.made("tiny", 4, 5)).toEqual([
        { id: id(4), ...made, isRefused: true, at: 4 },
      ]);
      expect(await status.made("other", 1, 5)).toEqual([]);
      const { rows, since } = await status.refusedWork("tiny", 1, 2);
      expect(rows.map(({ at }) => at)).toEqual([4, 3]);
      expect(since).toBe(3);
      expect(await status.refusedWork("tiny", 1, 3)).toMatchObject({ since: 1 });
      expect(await status.refusedWork("other", 1, 2)).toEqual({ rows: [], since: 1 });
    },
  );
}
