import { expect } from "vitest";
import { bytes, contribution, id, type LedgerTest } from "./ledger-rows.ts";

/** What bans ask of the ledger, on any database. */
export function banSuite(ledgerTest: LedgerTest): void {
  ledgerTest("a ban refuses what waits and what comes, until it is lifted", async (ledger) => {
    await ledger.enter(contribution(1), bytes);
    const { contributor } = contribution(1);
    const act = { contributor, maintainer: "first", at: 5 };
    expect(await ledger.ban({ ...act, reason: "noise" })).toBe(1);
    expect(await ledger.ban({ ...act, reason: "more noise" })).toBe(0);
    expect(await ledger.banReason(contributor)).toBe("more noise");
    expect(await ledger.contribution(id(1))).toMatchObject({ state: "refused" });
    expect(await ledger.waitingBytes(id(1))).toBeUndefined();
    const refused = { kind: "refused", code: "banned" };
    expect(await ledger.enter(contribution(2), bytes)).toEqual(refused);
    await ledger.unban(act);
    expect(await ledger.banReason(contributor)).toBeUndefined();
    expect((await ledger.enter(contribution(2), bytes)).kind).toBe("created");
  });
}
