import { expect } from "vitest";
import {
  contribution,
  enterQueued,
  id,
  inputs,
  type LedgerTest,
  takeOver,
  version,
} from "../../fixtures/ledger-rows.ts";

/** What names and pages of contributors ask of the ledger, on any database. */
export function nameSuite(ledgerTest: LedgerTest): void {
  const named = (n: number, name: string | null, signedAt: number) => ({
    contributor: id(n),
    name,
    look: name?.toLowerCase() ?? null,
    signedAt,
  });

  ledgerTest(
    "H42: names that look alike have one holder, who may take it back",
    async ({ people }) => {
      expect(await people.putName(named(1, "Ada", 10))).toBe("named");
      expect(await people.putName(named(2, "ADA", 11))).toBe("name-taken");
      expect(await people.putName(named(1, "Grace", 10))).toBe("name-late");
      expect(await people.putName(named(1, null, 12))).toBe("named");
      expect(await people.putName(named(2, "ADA", 11))).toBe("named");
      expect(await people.names([id(1), id(2), id(3)])).toEqual(
        expect.arrayContaining([
          { contributor: id(1), name: null, blanked: null },
          { contributor: id(2), name: "ADA", blanked: null },
        ]),
      );
      expect(await people.names([])).toEqual([]);
    },
  );

  ledgerTest(
    "H42: a blanked name is nobody's, also of a key that had none, until it is let",
    async ({ people }) => {
      const act = { reason: "rude", maintainer: "first", at: 20 };
      await people.putName(named(1, "Ada", 10));
      for (const n of [1, 2]) {
        await people.blankName({ contributor: id(n), ...act });
        expect(await people.putName(named(n, "Other", 21))).toBe("name-blanked");
      }
      expect(await people.putName(named(3, "Ada", 21))).toBe("named");
      await people.unblankName({ contributor: id(2), ...act });
      await people.unblankName({ contributor: id(2), ...act });
      expect(await people.putName(named(2, "Other", 22))).toBe("named");
      const log = (await people.audit(9)).map(({ action, note }) => [action, note]);
      expect(log).toEqual([
        ["unblank-name", "rude"],
        ["blank-name", "rude"],
        ["blank-name", "rude (it was “Ada”)"],
      ]);
    },
  );

  ledgerTest("an erasure takes a contributor's name", async ({ people }) => {
    await people.putName(named(1, "Ada", 10));
    await people.ban({ contributor: id(1), reason: "r", maintainer: "first", at: 11 });
    await people.eraseContributor(id(1), { by: "machine", at: 12 });
    expect(await people.names([id(1)])).toEqual([
      { contributor: id(1), name: null, blanked: null },
    ]);
  });

  ledgerTest("H43: a contributor's merged work adds up by version and by day", async (ledger) => {
    const { status, history } = ledger;
    const { contributor } = contribution(1);
    const key = ["tiny", contributor] as const;
    expect(await status.standing(...key)).toBeUndefined();
    expect(await status.mergedSpan(...key)).toEqual({ first: null, last: null });
    const fence = await takeOver(ledger);
    await enterQueued(ledger, 1, 5);
    await enterQueued(ledger, 2, 5);
    const at = 3 * 24 * 3600_000 + 7;
    const published = { ...version(1), created_at: at };
    await history.publish({ version: published, fence, inputs: inputs(1, 2), events: [] });
    expect(await status.standing(...key)).toEqual({ credit: 200, merged: 2, rank: 1, above: null });
    expect(await status.mergedByVersion(...key)).toEqual([{ at: 1, merged: 2, credit: 200 }]);
    expect(await status.mergedByDay(...key)).toEqual([{ at: at - 7, merged: 2, credit: 200 }]);
    expect(await status.mergedSpan(...key)).toEqual({ first: at, last: at });
    expect(await status.newestMerged(...key, 1)).toEqual([id(1)]);
  });
}
