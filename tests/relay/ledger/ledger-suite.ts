import type { Kysely } from "kysely";
import { expect, test } from "vitest";
import type { Tables } from "../../../relay-server/store/tables.ts";
import {
  bytes,
  contribution,
  enterQueued,
  filled,
  id,
  inputs,
  type LedgerTest,
  STALE_AFTER,
  takeOver,
  version,
} from "../../fixtures/ledger-rows.ts";
import { actSuite } from "./act-suite.ts";
import { banSuite } from "./ban-suite.ts";
import { contributedSuites } from "./contributed-suites.ts";
import { judgeSuite } from "./judge-suite.ts";
import { judgingSuite } from "./judging-suite.ts";
import { jurySuite } from "./jury-suite.ts";
import { leaseSuite } from "./lease-suite.ts";
import { nameSuite } from "./name-suite.ts";
import { nowSuite } from "./now-suite.ts";
import { proposalsFromForks } from "./proposal-suite.ts";
import { revertSuite } from "./revert-suite.ts";
import { spotCheckSuite } from "./spot-check-suite.ts";
import { ticketSuite } from "./ticket-suite.ts";

export type EmptyDatabase = { readonly db: Kysely<Tables>; close(): Promise<void> };

/** What every database must do to carry the ledger. `open` gives an empty one. */
export function ledgerSuite(open: () => Promise<EmptyDatabase>): void {
  const ledgerTest: LedgerTest = (name, body) =>
    test(name, async () => {
      const { db, close } = await open();
      try {
        await body(await filled(db));
      } finally {
        await close();
      }
    });

  ledgerTest("a contribution is entered once, also at the same moment", async (ledger) => {
    const entries = await Promise.all(
      [1, 1, 1].map((n) => ledger.contributions.enter(contribution(n), bytes, STALE_AFTER)),
    );
    expect(entries.map(({ kind }) => kind).sort()).toEqual(["created", "known", "known"]);
    expect(await ledger.contributions.waitingBytes(id(1))).toEqual(bytes);
    expect(await ledger.status.eventsAfter(0, 10)).toHaveLength(1);
  });

  ledgerTest("a write that fails takes no other of its group with it", async (ledger) => {
    const foreign = { ...contribution(9), ticket: id(999) }; // no such ticket: the database refuses
    const results = await Promise.allSettled([
      ledger.contributions.enter(contribution(1), bytes, STALE_AFTER),
      ledger.contributions.enter(foreign, bytes, STALE_AFTER),
      ledger.contributions.enter(contribution(2), bytes, STALE_AFTER),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await ledger.contributions.waiting("tiny", "received", 10)).toHaveLength(2);
    expect(await ledger.contributions.contribution(id(9))).toBeUndefined();
  });

  ledgerTest("publishing moves the head and writes receipts", async (ledger) => {
    for (const n of [1, 2]) {
      await enterQueued(ledger, n, 5);
    }
    const fence = await takeOver(ledger);
    const publication = { version: version(1), fence, inputs: inputs(1, 2), events: [] };
    expect(await ledger.history.publish(publication)).toBe("published");
    expect((await ledger.history.model("tiny"))?.head).toBe(1);
    const life = await ledger.contributions.contribution(id(1));
    expect(life).toMatchObject({ state: "merged", version: 1, multiplier: 4096, credit: 100 });
    expect((await ledger.history.shards("tiny"))[0]).toMatchObject({ trained: 2 });
    expect(await ledger.history.shardTrainers("tiny")).toEqual(new Map([[0, 1]]));
    expect(await ledger.status.totals("tiny")).toEqual({ merged: 2, contributors: 1 });
    expect(await ledger.status.counts("tiny", 10)).toMatchObject({ merged24h: 2, lastMergeAt: 1 });
    const [leader] = await ledger.status.leaderboard("tiny", 0, 10);
    expect(leader).toEqual({ contributor: id(7), credit: 200, merged: 2, lastMergedAt: 1 });
    expect(await ledger.status.allTimeLeaderboard("tiny", 10)).toEqual([leader]);
    expect(await ledger.contributions.mergedNorms("tiny", 10)).toEqual(
      expect.arrayContaining([1, 2]),
    );
  });

  ledgerTest(
    "H6: merged bytes stay until they are promoted, whatever becomes of others of the same contributor",
    async (ledger) => {
      for (const n of [1, 2, 3]) await enterQueued(ledger, n, 5);
      const fence = await takeOver(ledger);
      await ledger.history.publish({
        version: version(1),
        fence,
        inputs: inputs(1, 2),
        events: [],
      });
      expect(await ledger.contributions.unmerged("", 5)).toEqual([id(3)]);
      const ban = { contributor: id(7), reason: "r", maintainer: "first", at: 6 };
      expect(await ledger.people.ban(ban)).toBe(1);
      await ledger.contributions.refuseWaiting([id(1)], { code: "harmful", message: "r" }, 7);
      expect((await ledger.contributions.contribution(id(1)))?.state).toBe("merged");
      expect(await ledger.contributions.duePromotions("tiny", 1)).toEqual([id(1)]);
      expect(await ledger.contributions.waitingBytes(id(1))).toEqual(bytes);
      expect(await ledger.contributions.dueBytes(id(1))).toEqual(bytes);
      expect(await ledger.contributions.dueBytes(id(3))).toBeUndefined(); // it waits
      await ledger.contributions.notePromoted([id(1)]);
      expect(await ledger.contributions.waitingBytes(id(1))).toBeUndefined();
      expect(await ledger.contributions.dueBytes(id(1))).toBeUndefined();
      expect(await ledger.contributions.duePromotions("tiny", 5)).toEqual([id(2)]);
      expect(await ledger.contributions.unmerged("", 5)).toEqual([id(3)]);
      expect(await ledger.contributions.unmerged(id(3), 5)).toEqual([]);
    },
  );

  ledgerTest("nothing is published on another parent, past a fence or twice", async (ledger) => {
    for (const n of [1, 2]) {
      await enterQueued(ledger, n, 5);
    }
    const old = await takeOver(ledger, "a relay");
    const fence = await takeOver(ledger, "another");
    const first = { version: version(1), fence, inputs: inputs(1), events: [] };
    expect(await ledger.history.publish({ ...first, fence: old })).toBe("fenced");
    expect(await ledger.history.publish({ ...first, version: version(2) })).toBe("fenced");
    expect(await ledger.history.publish(first)).toBe("published");
    expect(await ledger.history.publish(first)).toBe("fenced");
    const twice = { version: version(2), fence, inputs: inputs(2, 1), events: [] };
    expect(await ledger.history.publish(twice)).toBe("not-waiting");
    expect((await ledger.history.model("tiny"))?.head).toBe(1);
    expect((await ledger.contributions.contribution(id(2)))?.state).toBe("queued");
  });

  ledgerTest("what is refused keeps its reason and loses its bytes", async (ledger) => {
    await ledger.contributions.enter(contribution(1), bytes, STALE_AFTER);
    await ledger.contributions.refuseWaiting(
      [id(1)],
      { code: "harmful", message: "worse by 1" },
      9,
    );
    const life = await ledger.contributions.contribution(id(1));
    expect(life).toMatchObject({ state: "refused", reason: { code: "harmful" }, updatedAt: 9 });
    expect(await ledger.contributions.waitingBytes(id(1))).toBeUndefined();
    await ledger.contributions.passScreen(id(1), 3, 10);
    expect((await ledger.contributions.contribution(id(1)))?.state).toBe("refused");
    expect(await ledger.status.counts("tiny", 10)).toMatchObject({ received: 0, refused24h: 1 });
  });

  ledgerTest("what is postponed goes to the end of the queue, and is counted", async (ledger) => {
    for (const n of [1, 2]) {
      await enterQueued(ledger, n, n);
    }
    await ledger.contributions.postpone([id(1)], 9);
    const queued = await ledger.contributions.waiting("tiny", "queued", 5);
    expect(queued.map(({ id, postponed }) => [id, postponed])).toEqual([
      [id(2), 0],
      [id(1), 1],
    ]);
  });

  ledgerTest("counts say what waits, since when, and what was merged", async (ledger) => {
    const empty = await ledger.status.counts("tiny", 0);
    expect(empty).toMatchObject({ received: 0, queued: 0, oldestReceivedAt: null });
    expect(await ledger.status.totals("tiny")).toEqual({ merged: 0, contributors: 0 });
    await ledger.contributions.enter(contribution(1), bytes, STALE_AFTER);
    await enterQueued(ledger, 2, 3);
    const counts = await ledger.status.counts("tiny", 10);
    expect(counts).toMatchObject({
      received: 1,
      queued: 1,
      oldestReceivedAt: 1,
      lastMergeAt: null,
    });
    const [waiting] = await ledger.contributions.waiting("tiny", "queued", 5);
    expect(waiting).toMatchObject({ id: id(2), score: 0.5, merged_before: 0 });
  });

  ledgerTest("events are numbered without gaps", async (ledger) => {
    await Promise.all(
      [1, 2, 3].map(() =>
        ledger.status.appendEvents([{ type: "leaderboard", data: { model: "tiny" } }]),
      ),
    );
    expect((await ledger.status.eventsAfter(1, 10)).map(({ id }) => Number(id))).toEqual([2, 3]);
    expect(await ledger.status.lastEvent()).toBe(3);
    await ledger.contributions.enter(contribution(1), bytes, STALE_AFTER);
    const ofType = await ledger.status.eventsAfter(0, 1, ["contribution", "version"]);
    expect(ofType.map(({ id, type }) => [Number(id), type])).toEqual([[4, "contribution"]]);
  });

  ledgerTest("of many events at once the last are remembered", async (ledger) => {
    const event = { type: "leaderboard", data: { model: "tiny" } } as const;
    await ledger.status.appendEvents(Array.from({ length: 16_384 }, () => event)); // a cohort's most
    expect(await ledger.status.lastEvent()).toBe(16_384);
    const kept = (await ledger.status.eventsAfter(0, 9999)).map(({ id }) => Number(id));
    expect([kept.length, kept[0], kept.at(-1)]).toEqual([4096, 12_289, 16_384]);
  });

  ledgerTest("history is read from either end", async (ledger) => {
    const fence = await takeOver(ledger);
    for (const n of [1, 2]) {
      await enterQueued(ledger, n, 5);
      await ledger.history.publish({ version: version(n), fence, inputs: inputs(n), events: [] });
    }
    const numbers = (rows: { readonly number: number }[]) => rows.map(({ number }) => number);
    expect(numbers(await ledger.history.versions("tiny", null, 2))).toEqual([2, 1]);
    const [base, ...older] = await ledger.history.versions("tiny", 1, 2);
    expect([base?.number, older]).toEqual([0, []]);
    expect(base).not.toHaveProperty("signed");
    expect(numbers(await ledger.history.versionsBetween("tiny", 1, 2))).toEqual([1, 2]);
    const [first, second] = [1, 2].map((n) => {
      const { number, checkpoint, step, step_bytes } = version(n);
      return { number, checkpoint, step, step_bytes };
    });
    expect(await ledger.history.steps("tiny", 1, 2)).toEqual([first, second]);
    expect(await ledger.history.steps("tiny", 2, 2, 9)).toEqual([second]);
    expect(await ledger.history.steps("tiny", 1, 2, 16)).toBeNull(); // 8 bytes each
    expect(await ledger.history.steps("tiny", 3, 2)).toEqual([]);
    expect((await ledger.history.keyframe("tiny", 2))?.number).toBe(0);
    expect((await ledger.history.versionById("tiny", id(1002)))?.number).toBe(2);
  });

  ledgerTest(
    "maintainers are known by the hash of their token; the audit log says who",
    async (ledger) => {
      await ledger.people.putMaintainer("first", id(1), { by: "machine", at: 1 });
      await ledger.people.putMaintainer("first", id(2), { by: "machine", at: 2 });
      await ledger.people.putMaintainer("ada", id(3), { by: "machine", at: 2 });
      await ledger.people.putMaintainer("relay's own", id(4), { by: null, at: 2 });
      await ledger.people.revokeMaintainer("relay's own", { by: "machine", at: 2 });
      expect(await ledger.people.maintainers()).toEqual([
        { name: "ada", created_at: 2 },
        { name: "first", created_at: 2 },
      ]);
      expect(await ledger.people.revokeMaintainer("ada", { by: "machine", at: 2 })).toBe(true);
      expect(await ledger.people.revokeMaintainer("ada", { by: "machine", at: 2 })).toBe(false);
      expect(await ledger.people.maintainer(id(3))).toBeUndefined();
      expect(await ledger.people.maintainer(id(1))).toBeUndefined();
      expect(await ledger.people.maintainer(id(2))).toBe("first");
      const change = {
        ...{ model: "tiny", paused: true, maintainer: "first", at: 3 },
        reason: "a test",
      };
      await ledger.history.setPaused(change);
      expect((await ledger.history.model("tiny"))?.paused).toBe(1);
      const note = null;
      expect(await ledger.people.audit(3)).toEqual([
        { id: 6, at: 3, maintainer: "first", action: "pause", subject: "tiny", note: "a test" },
        { id: 5, at: 2, maintainer: "machine", action: "token-revoked", subject: "ada", note },
        {
          id: 4,
          at: 2,
          maintainer: "machine",
          action: "token-revoked",
          subject: "relay's own",
          note,
        },
      ]);
    },
  );

  judgeSuite(ledgerTest);
  judgingSuite(ledgerTest);
  jurySuite(ledgerTest);
  leaseSuite(ledgerTest);
  spotCheckSuite(ledgerTest);
  banSuite(ledgerTest);
  nameSuite(ledgerTest);
  nowSuite(ledgerTest);
  revertSuite(ledgerTest);
  ticketSuite(ledgerTest);
  contributedSuites(ledgerTest);
  proposalsFromForks(ledgerTest);
  actSuite(ledgerTest);
}
