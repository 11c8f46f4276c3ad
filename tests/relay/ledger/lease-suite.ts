import { expect } from "vitest";
import { HOUR_MS, type LedgerTest, takeOver } from "../../fixtures/ledger-rows.ts";

/** Which relay publishes a model. */
export function leaseSuite(ledgerTest: LedgerTest): void {
  ledgerTest("H41: a relay goes on holding a model under one fence", async (ledger) => {
    const holder = { holder: "a relay", lengthMs: HOUR_MS };
    const first = await ledger.history.holdLeases(holder);
    expect([...first.keys()]).toEqual(["tiny"]);
    expect(await ledger.history.holdLeases(holder)).toEqual(first);
    expect((await ledger.history.model("tiny"))?.fence).toBe(first.get("tiny"));
  });

  ledgerTest("H41: while one relay holds a model no other can", async (ledger) => {
    const [one, other] = ["a relay", "another"].map((holder) => ({ holder, lengthMs: HOUR_MS }));
    const [first, second] = await Promise.all([
      ledger.history.holdLeases(one!),
      ledger.history.holdLeases(other!),
    ]);
    expect([first.size, second.size]).toEqual([1, 0]);
    await ledger.history.releaseLeases("another"); // what it does not hold
    expect((await ledger.history.holdLeases(other!)).size).toBe(0);
    await ledger.history.releaseLeases("a relay");
    const taken = await ledger.history.holdLeases(other!);
    expect(taken.get("tiny")).toBe(first.get("tiny")! + 1);
  });

  ledgerTest(
    "H41: a lease that ran out is anybody's, and still its holder's until then",
    async (ledger) => {
      const fence = await takeOver(ledger, "a relay");
      expect(await takeOver(ledger, "a relay")).toBe(fence);
      expect(await takeOver(ledger, "another")).toBe(fence + 1);
      expect(await takeOver(ledger, "a relay")).toBe(fence + 2);
    },
  );
}
