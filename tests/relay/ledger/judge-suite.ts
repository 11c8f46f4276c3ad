import { expect } from "vitest";
import { id, type LedgerTest } from "../../fixtures/ledger-rows.ts";

/** What judges ask of the ledger, on any database. */
export function judgeSuite(ledgerTest: LedgerTest): void {
  ledgerTest(
    "J1: a judge is one from its naming to its dismissal, and can be named again",
    async (ledger) => {
      const { people } = ledger;
      const by = { judge: id(3), maintainer: "first" };
      expect(await people.isJudge(id(3))).toBe(false);
      expect(await people.dismissJudge({ ...by, reason: "none", at: 1 })).toBe(false);
      await people.nameJudge({ ...by, name: "cellar", reason: "ours", at: 2 });
      expect(await people.isJudge(id(3))).toBe(true);
      expect(await people.dismissJudge({ ...by, reason: "sold", at: 3 })).toBe(true);
      expect(await people.isJudge(id(3))).toBe(false);
      expect(await people.judges()).toMatchObject([
        { judge: id(3), name: "cellar", named_at: 2, dismissed_at: 3, dismissed_reason: "sold" },
      ]);
      await people.nameJudge({ ...by, name: "cellar", reason: "bought back", at: 4 });
      expect(await people.isJudge(id(3))).toBe(true);
      const actions = (await people.audit(9)).map(({ action }) => action);
      expect(actions).toEqual(["judge", "judge-dismissed", "judge"]);
    },
  );
}
