import { expect } from "vitest";
import {
  enterQueued,
  id,
  inputs,
  type LedgerTest,
  takeOver,
  version,
} from "../../fixtures/ledger-rows.ts";

/** What reverts ask of the ledger, on any database. */
export function revertSuite(ledgerTest: LedgerTest): void {
  ledgerTest(
    "a revert waits, moves the head and takes credit and training back, once",
    async (ledger) => {
      for (const n of [1, 2]) {
        await enterQueued(ledger, n, 5);
      }
      const fence = await takeOver(ledger);
      await ledger.history.publish({ version: version(1), fence, inputs: inputs(1), events: [] });
      const request = { model: "tiny", reason: "spam", maintainer: "first", at: 9 };
      const asked = (n: number, insists = false) =>
        ledger.history.requestRevert({ ...request, contribution: id(n), insists });
      expect(await asked(2)).toEqual({ kind: "refused", code: "not-merged" });
      expect(await asked(8)).toEqual({ kind: "refused", code: "contribution-unknown" });
      const entries = await Promise.all([asked(1), asked(1)]);
      expect(entries.map(({ kind }) => kind)).toEqual(["waiting", "waiting"]);
      expect(await ledger.people.audit(5)).toHaveLength(1);

      const waiting = (await ledger.history.nextRevert("tiny"))!;
      await ledger.history.refuseRevert(waiting, "worse", 10);
      expect(await ledger.history.nextRevert("tiny")).toBeUndefined();
      expect(await ledger.history.revert(id(1))).toMatchObject({
        state: "refused",
        message: "worse",
      });
      await asked(1); // tried again
      const again = (await ledger.history.nextRevert("tiny"))!;
      await Promise.all([asked(1, true), asked(1, true)]); // while it is tried
      await ledger.history.refuseRevert(again, "worse", 11);
      await asked(1);
      const revert = (await ledger.history.nextRevert("tiny"))!;
      expect(revert).toMatchObject({ state: "waiting", insists: 1 });
      const publication = { version: version(2), fence, revert, objection: "worse", events: [] };
      expect(await ledger.history.publishRevert({ ...publication, fence: fence - 1 })).toBe(false);
      expect(await ledger.history.publishRevert({ ...publication, version: version(3) })).toBe(
        false,
      );
      expect((await ledger.contributions.contribution(id(1)))?.state).toBe("merged");
      expect(await ledger.history.publishRevert(publication)).toBe(true);
      expect(await ledger.history.publishRevert(publication)).toBe(false);

      expect((await ledger.history.model("tiny"))?.head).toBe(2);
      expect(await ledger.contributions.contribution(id(1))).toMatchObject({
        state: "reverted",
        reason: { code: "reverted", message: "spam" },
        version: 1,
        credit: 0,
      });
      const [event] = (await ledger.status.eventsAfter(0, 99)).slice(-1);
      expect(event?.data).toContain('"state":"reverted"');
      expect(await ledger.history.strikes("tiny")).toEqual([
        { contribution: id(1), merged: 1, reverted: 2 },
      ]);
      expect(await ledger.status.leaderboard("tiny", 0, 10)).toEqual([]);
      expect(await ledger.status.allTimeLeaderboard("tiny", 10)).toEqual([]);
      expect(await ledger.status.totals("tiny")).toEqual({ merged: 0, contributors: 0 });
      // handed out three times, and as often as the other now: it is due again (V15)
      expect(await ledger.history.shards("tiny")).toMatchObject([
        { trained: 0, assigned: 0 },
        { trained: 0, assigned: 0 },
      ]);
      expect(await ledger.history.shardTrainers("tiny")).toEqual(new Map());
      expect(await asked(1)).toEqual({ kind: "refused", code: "already-reverted" });
      const actions = (await ledger.people.audit(9)).map(({ action }) => action);
      const insisting = ["revert-published", "revert-insist", "revert"];
      expect(actions).toEqual([...insisting, "revert-refused", "revert"]);
      expect((await ledger.people.audit(1))[0]?.note).toBe(
        "version 2 is without it, although worse",
      );
    },
  );
}
