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
}
