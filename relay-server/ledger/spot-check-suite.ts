import { expect } from "vitest";
import type { Ledger } from "./ledger.ts";
import { bytes, contribution, enterQueued, id, inputs, ticket, version } from "./ledger-rows.ts";

type LedgerTest = (name: string, body: (ledger: Ledger) => Promise<void>) => void;

const found = (n: number, at: number) => ({
  contribution: id(n),
  cosine: 0.9,
  normRatio: 1.02,
  at,
});

/** What spot checks ask of the ledger, on any database. */
export function spotCheckSuite(ledgerTest: LedgerTest): void {
  ledgerTest(
    "what was drawn is checked once it passed judging, the first drawn first, once",
    async (ledger) => {
      await ledger.enter(contribution(1), bytes);
      await ledger.drawSpotCheck(contribution(1), 5);
      expect(await ledger.nextSpotCheck()).toBeUndefined();
      await enterQueued(ledger, 2, 1);
      await ledger.drawSpotCheck(contribution(2), 6);
      await ledger.drawSpotCheck(contribution(2), 2); // drawn again: the first time counts
      expect((await ledger.nextSpotCheck())?.id).toBe(id(2));
      await ledger.passScreen(id(1), null, 7);
      await ledger.queue(id(1), 7);
      expect((await ledger.nextSpotCheck())?.id).toBe(id(1));
      await ledger.passSpotCheck(found(1, 8));
      await ledger.dropSpotCheck(id(2));
      expect(await ledger.nextSpotCheck()).toBeUndefined();
      await ledger.drawSpotCheck(contribution(1), 9);
      expect(await ledger.nextSpotCheck()).toBeUndefined();
    },
  );

  ledgerTest("work that was refused without its check is not checked", async (ledger) => {
    await enterQueued(ledger, 1, 1);
    await ledger.drawSpotCheck(contribution(1), 5);
    await ledger.refuseWaiting([id(1)], { code: "gate-failed", message: "" }, 6);
    await enterQueued(ledger, 2, 1);
    await ledger.drawSpotCheck(contribution(2), 7);
    expect((await ledger.nextSpotCheck())?.id).toBe(id(2));
  });

  ledgerTest(
    "G19: who fails loses all that waits, and the audit log says so; what is merged stays",
    async (ledger) => {
      for (const n of [4, 5]) await ledger.issueTicket(ticket(n), [0]);
      await enterQueued(ledger, 1, 1);
      const fence = await ledger.takeOver("tiny");
      const merging = { version: version(1), fence, inputs: inputs(1), events: [] };
      expect(await ledger.publish(merging)).toBe(true);
      await enterQueued(ledger, 2, 2);
      expect((await ledger.waiting("tiny", "queued", 5))[0]?.merged_before).toBe(1);
      await ledger.enter(contribution(3), bytes);
      await ledger.enter({ ...contribution(4), contributor: id(8) }, bytes); // another's
      await ledger.drawSpotCheck(contribution(1), 5);
      expect(await ledger.hasFailedSpotCheck(contribution(1).contributor)).toBe(false);
      await ledger.failSpotCheck(found(1, 9));
      await ledger.failSpotCheck(found(1, 10)); // nothing happens twice
      expect(await ledger.hasFailedSpotCheck(contribution(1).contributor)).toBe(true);
      expect(await ledger.hasFailedSpotCheck(id(8))).toBe(false);
      const lives = [1, 2, 3, 4].map(async (n) => (await ledger.contribution(id(n)))?.state);
      expect(await Promise.all(lives)).toEqual(["merged", "refused", "refused", "received"]);
      expect((await ledger.contribution(id(3)))?.reason).toMatchObject({
        code: "spot-check-failed",
      });
      expect(await ledger.waitingBytes(id(3))).toBeUndefined();
      const [entry, ...older] = await ledger.audit(5);
      expect(older).toEqual([]);
      expect(entry).toMatchObject({ action: "spot-check-failed", subject: id(1), at: 9 });
      expect(entry?.note).toContain("cosine 0.900, length 1.020; 2 that waited refused");
    },
  );

  ledgerTest(
    "G5: a failed check begins the row of merges anew, also if nothing waits",
    async (ledger) => {
      await enterQueued(ledger, 1, 1);
      const fence = await ledger.takeOver("tiny");
      const merging = { version: version(1), fence, inputs: inputs(1), events: [] };
      expect(await ledger.publish(merging)).toBe(true);
      await ledger.drawSpotCheck(contribution(1), 5);
      await ledger.failSpotCheck(found(1, 9));
      await enterQueued(ledger, 2, 10);
      expect((await ledger.waiting("tiny", "queued", 5))[0]?.merged_before).toBe(0);
    },
  );
}
