import { expect } from "vitest";
import {
  enterQueued,
  id,
  inputs,
  type LedgerTest,
  takeOver,
  version,
} from "../../fixtures/ledger-rows.ts";

const juror = id(7); // whose the rows' contributions are
const honest = { contributor: juror, examples: 50, isLie: false };

/** What juries ask of the ledger, on any database. */
export function jurySuite(ledgerTest: LedgerTest): void {
  ledgerTest(
    "J11: a juror is credited with the examples of its honest answers alone, and a lie is in the audit log",
    async ({ contributions, people }) => {
      expect(await contributions.judgedExamples("tiny", juror)).toBe(0);
      await contributions.noteJury("tiny", [honest, { ...honest, contributor: id(8) }], 5);
      await contributions.noteJury("tiny", [honest], 6);
      expect(await contributions.judgedExamples("tiny", juror)).toBe(100);
      expect(await contributions.judgedExamples("tiny", id(8))).toBe(50);
      expect(await contributions.judgedExamples("other", juror)).toBe(0);
      expect(await people.audit(9)).toEqual([]);
      await contributions.noteJury("tiny", [{ ...honest, isLie: true }], 7);
      await contributions.noteJury("tiny", [honest], 8);
      expect(await contributions.judgedExamples("tiny", juror)).toBe(150);
      const lie = { action: "juror-lied", subject: juror, maintainer: "the relay" };
      expect(await people.audit(9)).toMatchObject([lie]);
    },
  );

  ledgerTest("J12: how far a jury has seen a suite's packets only grows", async ({ history }) => {
    expect(await history.shownPackets("tiny")).toEqual({ gate: 0, protected: 0 });
    await history.noteShown("tiny", "gate", 3);
    await history.noteShown("tiny", "gate", 2);
    await history.noteShown("other", "gate", 9);
    expect(await history.shownPackets("tiny")).toEqual({ gate: 3, protected: 0 });
    await history.noteShown("tiny", "gate", 4);
    await history.noteShown("tiny", "protected", 1);
    expect(await history.shownPackets("tiny")).toEqual({ gate: 4, protected: 1 });
  });

  ledgerTest("J11: a lie as a juror begins the row of merges anew", async (ledger) => {
    const merges = () => ledger.contributions.mergesInARowOf("tiny", juror);
    expect(await merges()).toBe(0);
    await enterQueued(ledger, 1, 1);
    const fence = await takeOver(ledger);
    const merging = { version: version(1), fence, inputs: inputs(1), events: [] };
    expect(await ledger.history.publish(merging)).toBe("published");
    await ledger.contributions.noteJury("tiny", [honest], 5);
    expect(await merges()).toBe(1);
    expect(await ledger.contributions.mergesInARowOf("tiny", id(8))).toBe(0);
    await ledger.contributions.noteJury("tiny", [{ ...honest, isLie: true }], 9);
    expect(await merges()).toBe(0);
    await enterQueued(ledger, 3, 10);
    expect((await ledger.contributions.waiting("tiny", "queued", 5))[0]?.merged_before).toBe(0);
  });
}
