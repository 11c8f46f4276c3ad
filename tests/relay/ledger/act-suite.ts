import { expect } from "vitest";
import { acting, id, type LedgerTest, model, ticket, version } from "../../fixtures/ledger-rows.ts";
import { suite } from "./contributed-suites.ts";

/** What maintainers' acts ask of the ledger, on any database. */
export function actSuite(ledgerTest: LedgerTest): void {
  ledgerTest(
    "R7: a recipe act that was looked at against an earlier recipe is overtaken",
    async ({ history }) => {
      const looked = { suites: [] };
      const [first, second] = ['{"title":"one"}', '{"title":"two"}'];
      expect(
        await history.changeRecipe({ ...acting(0), ...looked, before: "{}", recipe: first }),
      ).toBe(true);
      const stale = { ...acting(1), ...looked, before: "{}", recipe: second }; // its number is free: it was given after the other act
      expect(await history.changeRecipe(stale)).toBe(false);
      expect((await history.model("tiny"))?.recipe).toBe(first);
      expect(await history.actCount("tiny")).toBe(1);
      expect(await history.changeRecipe({ ...stale, before: first })).toBe(true);
      expect((await history.model("tiny"))?.recipe).toBe(second);
    },
  );

  ledgerTest(
    "R10: shards that are added are drawn as often as those that were drawn least, and a second addition at once is overtaken",
    async ({ history, tickets, people }) => {
      await tickets.issueTicket(ticket(91), [0, 1]);
      await tickets.issueTicket(ticket(92), [1]);
      const shard = { index: 2, sha256: id(9), sizeBytes: 5, examples: 3, title: "Spring" };
      const adding = { addition: id(8), suites: [], shards: [shard] };
      const later = { ...adding, shards: [{ ...shard, index: 3 }] };
      expect(await history.addData({ ...acting(0), ...later })).toBe(false);
      expect(await history.dataAct(id(8))).toBeUndefined();
      expect(await history.addData({ ...acting(0), ...adding })).toBe(true);
      expect(await history.addData({ ...acting(1), ...adding })).toBe(false);
      expect(await history.dataAct(id(8))).toMatchObject({ model: "tiny", id: id(700) });
      expect((await history.shards("tiny")).map(({ assigned }) => assigned)).toEqual([4, 2, 2]);
      expect((await history.shards("tiny"))[2]).toMatchObject({ sha256: id(9), examples: 3 });
      expect((await people.audit(9)).map(({ action }) => action)).toEqual(["add-data"]);
    },
  );

  ledgerTest(
    "R10: data that were not compared with a suite, which somebody proposed meanwhile, are not entered",
    async ({ history }) => {
      const shard = { index: 2, sha256: id(9), sizeBytes: 5, examples: 3, title: "Spring" };
      const adding = { ...acting(0), addition: id(8), shards: [shard] };
      await history.proposeSuite(suite(1));
      await history.proposeSuite(suite(2));
      const refusal = { message: "no", maintainer: null, at: 9 };
      await history.refuseSuite(id(2), refusal); // it judges nothing
      expect(await history.addData({ ...adding, suites: [] })).toBe(false);
      expect(await history.addData({ ...adding, suites: [id(1)] })).toBe(true);
    },
  );

  ledgerTest(
    "R10: shards that are added are drawn as often as others that are no replay shards: those have a pace of their own",
    async ({ history }) => {
      const row = { model: "second", size_bytes: 1, examples: 50, title: "", trained: 0 };
      await history.importModel({
        model: { ...model, id: "second" },
        shards: [
          { ...row, position: 0, sha256: id(5), assigned: 7, replay: 0 },
          { ...row, position: 1, sha256: id(6), assigned: 1, replay: 1 },
        ],
        version: { ...version(0), model: "second", id: id(1500) },
        ...{ events: [], suites: [], addedBy: null },
      });
      const { act, ...asked } = acting(0);
      const shard = { index: 2, sha256: id(9), sizeBytes: 5, examples: 3, title: "Spring" };
      const adding = { addition: id(8), suites: [], shards: [shard] };
      await history.addData({ ...asked, act: { ...act, model: "second" }, ...adding });
      expect((await history.shards("second")).map(({ assigned }) => assigned)).toEqual([7, 1, 7]);
    },
  );

  ledgerTest(
    "R5: of two retirements at once the later one is overtaken, and so with what takes them back",
    async ({ history, people }) => {
      expect(await history.retire({ ...acting(0), retired: null })).toBe(false); // it is not retired
      expect(await history.retire({ ...acting(0), retired: "old" })).toBe(true);
      expect(await history.retire({ ...acting(1), retired: "older" })).toBe(false);
      expect((await history.model("tiny"))?.retired).toBe("old");
      expect(await history.retire({ ...acting(1), retired: null })).toBe(true);
      expect(await history.retire({ ...acting(2), retired: null })).toBe(false);
      expect(await history.actCount("tiny")).toBe(2);
      const actions = (await people.audit(9)).map(({ action }) => action);
      expect(actions).toEqual(["unretire", "retire"]);
    },
  );
}
