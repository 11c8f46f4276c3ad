import { expect } from "vitest";
import {
  bytes,
  contribution,
  enterQueued,
  id,
  inputs,
  type LedgerTest,
  STALE_AFTER,
  takeOver,
  version,
} from "../../fixtures/ledger-rows.ts";

/** What bans ask of the ledger, on any database. */
export function banSuite(ledgerTest: LedgerTest): void {
  ledgerTest("a ban refuses what waits and what comes, until it is lifted", async (ledger) => {
    await ledger.contributions.enter(contribution(1), bytes, STALE_AFTER);
    const { contributor } = contribution(1);
    const act = { contributor, maintainer: "first", at: 5 };
    expect(await ledger.people.ban({ ...act, reason: "noise" })).toBe(1);
    expect(await ledger.people.ban({ ...act, reason: "more noise" })).toBe(0);
    expect(await ledger.people.banReason(contributor)).toBe("more noise");
    expect(await ledger.contributions.contribution(id(1))).toMatchObject({ state: "refused" });
    expect(await ledger.contributions.waitingBytes(id(1))).toBeUndefined();
    const refused = { kind: "refused", code: "banned" };
    expect(await ledger.contributions.enter(contribution(2), bytes, STALE_AFTER)).toEqual(refused);
    await ledger.people.unban({ ...act, reason: "mended" });
    expect(await ledger.people.banReason(contributor)).toBeUndefined();
    expect((await ledger.contributions.enter(contribution(2), bytes, STALE_AFTER)).kind).toBe(
      "created",
    );
  });

  ledgerTest(
    "an erasure takes what no signed version names, of a banned contributor only",
    async (ledger) => {
      const fence = await takeOver(ledger);
      await enterQueued(ledger, 1, 5);
      await ledger.history.publish({ version: version(1), fence, inputs: inputs(1), events: [] });
      await ledger.contributions.enter(contribution(2), bytes, STALE_AFTER);
      const doing = { by: "machine", at: 9 };
      expect(await ledger.people.eraseContributor(id(7), doing)).toBeNull();
      await ledger.people.ban({ contributor: id(7), reason: "r", maintainer: "first", at: 6 });
      const erased = await ledger.people.eraseContributor(id(7), doing);
      expect(erased).toMatchObject({ contributions: 1, refusals: 0, tickets: 2, kept: 1 });
      expect(await ledger.contributions.contribution(id(2))).toBeUndefined();
      expect(await ledger.tickets.ticket(id(3))).toBeUndefined();
      expect((await ledger.contributions.contribution(id(1)))?.state).toBe("merged");
      expect(JSON.stringify(await ledger.status.eventsAfter(0, 99))).not.toContain(id(7));
      expect(await ledger.people.banReason(id(7))).toBe("r");
    },
  );
}
