import { expect } from "vitest";
import {
  bytes,
  contribution,
  enterQueued,
  enterScored,
  id,
  inputs,
  type LedgerTest,
  STALE_AFTER,
  takeOver,
  ticket,
  version,
} from "../../fixtures/ledger-rows.ts";

const found = (n: number, at: number) => ({
  contribution: id(n),
  maskShare: null,
  similarity: { cosine: 0.9, normRatio: 1.02 },
  at,
});
const FAILED = { code: "spot-check-failed", message: "it came out differently" } as const;

/** What spot checks ask of the ledger, on any database. */
export function spotCheckSuite(ledgerTest: LedgerTest): void {
  ledgerTest("what was drawn is checked once, the first drawn first", async (ledger) => {
    for (const n of [1, 2]) await enterScored(ledger, n, 1);
    await ledger.contributions.drawSpotCheck(contribution(1), 6);
    await ledger.contributions.drawSpotCheck(contribution(2), 2);
    await ledger.contributions.drawSpotCheck(contribution(2), 9); // drawn again: the first time counts
    expect((await ledger.contributions.nextSpotCheck("tiny"))?.id).toBe(id(2));
    await ledger.contributions.passSpotCheck(found(2, 8));
    expect((await ledger.contributions.nextSpotCheck("tiny"))?.id).toBe(id(1));
    await ledger.contributions.passSpotCheck(found(1, 9));
    await ledger.contributions.drawSpotCheck(contribution(1), 10);
    expect(await ledger.contributions.nextSpotCheck("tiny")).toBeUndefined();
  });

  ledgerTest(
    "G19: what was drawn is queued when its check is passed, and not before",
    async (ledger) => {
      for (const n of [1, 2]) await enterScored(ledger, n, 1);
      await ledger.contributions.drawSpotCheck(contribution(1), 5);
      await ledger.contributions.drawSpotCheck(contribution(2), 6);
      expect(await ledger.contributions.waiting("tiny", "scored", 5)).toEqual([]); // nor is it judged a second time
      expect(await ledger.contributions.unscored("tiny")).toBe(2);
      await ledger.contributions.passSpotCheck(found(1, 8));
      const [queued, ...others] = await ledger.contributions.waiting("tiny", "queued", 5);
      expect(queued).toMatchObject({ id: id(1), updated_at: 8 });
      expect(others).toEqual([]);
      expect(await ledger.contributions.nextSpotCheck("tiny", [id(2)])).toBeUndefined(); // it rests after a failure
      const aside = { contribution: id(2), error: "out of memory" }; // it could not be carried out
      await ledger.contributions.setAside(aside, 9);
      await ledger.contributions.setAside(aside, 10); // nothing happens twice
      expect(await ledger.contributions.waiting("tiny", "queued", 5)).toHaveLength(1);
      expect((await ledger.contributions.contribution(id(2)))?.reason).toMatchObject({
        code: "judging-failed",
      });
      const [entry, ...older] = await ledger.people.audit(5);
      expect(older).toEqual([]);
      expect(entry).toMatchObject({ action: "judging-failed", subject: id(2), at: 9 });
      expect(entry?.note).toBe(`tiny, by ${id(7)}: out of memory`);
    },
  );

  ledgerTest("a ledger from before checks were waited for is gone on with", async (ledger) => {
    await enterQueued(ledger, 1, 1);
    await ledger.contributions.drawSpotCheck(contribution(1), 5);
    expect((await ledger.contributions.nextSpotCheck("tiny"))?.id).toBe(id(1));
    await ledger.contributions.passSpotCheck(found(1, 8));
    expect(await ledger.contributions.waiting("tiny", "queued", 5)).toHaveLength(1);
  });

  ledgerTest("work that was refused without its check is not checked", async (ledger) => {
    await enterScored(ledger, 1, 1);
    await ledger.contributions.drawSpotCheck(contribution(1), 5);
    await ledger.contributions.refuseWaiting(
      [id(1)],
      { code: "spot-check-failed", message: "" },
      6,
    );
    expect(await ledger.contributions.nextSpotCheck("tiny")).toBeUndefined();
    await enterScored(ledger, 2, 1);
    await ledger.contributions.drawSpotCheck(contribution(2), 7); // that of 1 is forgotten now
    expect((await ledger.contributions.nextSpotCheck("tiny"))?.id).toBe(id(2));
    await ledger.contributions.passSpotCheck(found(1, 8));
    await ledger.contributions.refuseWaiting(
      [id(2)],
      { code: "spot-check-failed", message: "" },
      9,
    );
    await ledger.contributions.setAside({ contribution: id(2), error: "out of memory" }, 9);
    expect(await ledger.people.audit(5)).toEqual([]); // it waits no more
    expect((await ledger.contributions.contribution(id(1)))?.state).toBe("refused");
  });

  ledgerTest(
    "G19: who fails loses all that waits, and the audit log says so; what is merged stays",
    async (ledger) => {
      for (const n of [4, 5]) await ledger.tickets.issueTicket(ticket(n), [0]);
      await enterQueued(ledger, 1, 1);
      const fence = await takeOver(ledger);
      const merging = { version: version(1), fence, inputs: inputs(1), events: [] };
      expect(await ledger.history.publish(merging)).toBe("published");
      await enterScored(ledger, 2, 2);
      expect((await ledger.contributions.waiting("tiny", "scored", 5))[0]?.merged_before).toBe(1);
      await ledger.contributions.enter(contribution(3), bytes, STALE_AFTER);
      await ledger.contributions.enter(
        { ...contribution(4), contributor: id(8) },
        bytes,
        STALE_AFTER,
      ); // another's
      await ledger.contributions.drawSpotCheck(contribution(2), 5);
      expect(await ledger.contributions.hasFailedSpotCheck(id(7))).toBe(false);
      await ledger.contributions.failSpotCheck(found(2, 9), FAILED);
      await ledger.contributions.failSpotCheck(found(2, 10), FAILED); // nothing happens twice
      expect(await ledger.contributions.hasFailedSpotCheck(id(7))).toBe(true);
      expect(await ledger.contributions.hasFailedSpotCheck(id(8))).toBe(false);
      const lives = [1, 2, 3, 4].map(
        async (n) => (await ledger.contributions.contribution(id(n)))?.state,
      );
      expect(await Promise.all(lives)).toEqual(["merged", "refused", "refused", "received"]);
      expect((await ledger.contributions.contribution(id(3)))?.reason).toMatchObject({
        code: "spot-check-failed",
      });
      expect(await ledger.contributions.waitingBytes(id(3))).toBeUndefined();
      const [entry, ...older] = await ledger.people.audit(5);
      expect(older).toEqual([]);
      expect(entry).toMatchObject({ action: "spot-check-failed", subject: id(2), at: 9 });
      expect(entry?.note).toContain("cosine 0.900, length 1.020; 2 that waited refused");
    },
  );

  ledgerTest(
    "H26: who failed a check and has merged work is named, until that is reverted",
    async (ledger) => {
      expect(await ledger.contributions.caughtWork("tiny")).toEqual([]);
      for (const n of [1, 2]) await enterQueued(ledger, n, n);
      const fence = await takeOver(ledger);
      const merging = { version: version(1), fence, inputs: inputs(1, 2), events: [] };
      expect(await ledger.history.publish(merging)).toBe("published");
      await enterScored(ledger, 3, 3);
      await ledger.contributions.drawSpotCheck(contribution(3), 5);
      expect(await ledger.contributions.caughtWork("tiny")).toEqual([]);
      await ledger.contributions.failSpotCheck(found(3, 9), FAILED);
      const caught = { contributor: id(7), at: 9, contributions: [id(1), id(2)] };
      expect(await ledger.contributions.caughtWork("tiny")).toEqual([caught]);
      expect(await ledger.contributions.caughtWork("other")).toEqual([]);
    },
  );

  ledgerTest(
    "G19: a mask that the ticket does not lead to has a code of its own, and costs all that waits as well",
    async (ledger) => {
      await enterScored(ledger, 1, 1);
      await enterScored(ledger, 2, 2);
      await ledger.contributions.drawSpotCheck(contribution(1), 5);
      const mismatch = { ...found(1, 9), maskShare: 0.5, similarity: null };
      await ledger.contributions.failSpotCheck(mismatch, {
        code: "mask-mismatch",
        message: "other positions",
      });
      const lives = await Promise.all([1, 2].map((n) => ledger.contributions.contribution(id(n))));
      expect(lives.map((life) => life?.reason?.code)).toEqual([
        "mask-mismatch",
        "spot-check-failed",
      ]);
      expect(await ledger.contributions.hasFailedSpotCheck(id(7))).toBe(true);
      const [entry] = await ledger.people.audit(1);
      expect(entry?.note).toContain("50.0% of its mask; 2 that waited refused");
    },
  );

  ledgerTest(
    "G5: what the relay failed to judge costs its contributor no standing",
    async (ledger) => {
      await enterQueued(ledger, 1, 1);
      const fence = await takeOver(ledger);
      const merging = { version: version(1), fence, inputs: inputs(1), events: [] };
      expect(await ledger.history.publish(merging)).toBe("published");
      await enterScored(ledger, 2, 4);
      await ledger.contributions.setAside({ contribution: id(2), error: "out of memory" }, 9);
      await enterQueued(ledger, 3, 10);
      expect((await ledger.contributions.waiting("tiny", "queued", 5))[0]?.merged_before).toBe(1);
      expect(await ledger.contributions.waiting("tiny", "queued", 5, [id(3)])).toEqual([]);
    },
  );

  ledgerTest("G5: a failed check begins the row of merges anew", async (ledger) => {
    await enterQueued(ledger, 1, 1);
    const fence = await takeOver(ledger);
    const merging = { version: version(1), fence, inputs: inputs(1), events: [] };
    expect(await ledger.history.publish(merging)).toBe("published");
    await enterScored(ledger, 2, 4);
    await ledger.contributions.drawSpotCheck(contribution(2), 5);
    await ledger.contributions.failSpotCheck(found(2, 9), FAILED);
    await enterQueued(ledger, 3, 10);
    expect((await ledger.contributions.waiting("tiny", "queued", 5))[0]?.merged_before).toBe(0);
  });
}
