import type { Kysely } from "kysely";
import { expect, test } from "vitest";
import { banSuite } from "./ban-suite.ts";
import { judgingSuite } from "./judging-suite.ts";
import type { Ledger } from "./ledger.ts";
import {
  bytes,
  contribution,
  enterQueued,
  filled,
  HOUR_MS,
  id,
  inputs,
  ticket,
  version,
} from "./ledger-rows.ts";
import { spotCheckSuite } from "./spot-check-suite.ts";
import type { Tables } from "./tables.ts";

export type EmptyDatabase = { readonly db: Kysely<Tables>; close(): Promise<void> };

/** What every database must do to carry the ledger. `open` gives an empty one. */
export function ledgerSuite(open: () => Promise<EmptyDatabase>): void {
  const ledgerTest = (name: string, body: (ledger: Ledger) => Promise<void>) =>
    test(name, async () => {
      const { db, close } = await open();
      try {
        await body(await filled(db));
      } finally {
        await close();
      }
    });

  ledgerTest("a contribution is entered once, also at the same moment", async (ledger) => {
    const entries = await Promise.all([1, 1, 1].map((n) => ledger.enter(contribution(n), bytes)));
    expect(entries.map(({ kind }) => kind).sort()).toEqual(["created", "known", "known"]);
    expect(await ledger.waitingBytes(id(1))).toEqual(bytes);
    expect(await ledger.eventsAfter(0, 10)).toHaveLength(1);
  });

  ledgerTest("a ticket is good for one contribution, values for one too", async (ledger) => {
    await ledger.enter(contribution(1), bytes);
    const again = { ...contribution(2), ticket: id(1) };
    expect(await ledger.enter(again, bytes)).toEqual({ kind: "refused", code: "ticket-used" });
    const copy = { ...contribution(2), values_hash: id(1) };
    expect(await ledger.enter(copy, bytes)).toEqual({ kind: "refused", code: "copied" });
    expect(await ledger.ticket(id(1))).toMatchObject({ used: 1, used_by: id(1) });
    expect(await ledger.ticket(id(2))).toMatchObject({ used: 0, used_by: null });
  });

  ledgerTest("a write that fails takes no other of its group with it", async (ledger) => {
    const foreign = { ...contribution(9), ticket: id(999) }; // no such ticket: the database refuses
    const results = await Promise.allSettled([
      ledger.enter(contribution(1), bytes),
      ledger.enter(foreign, bytes),
      ledger.enter(contribution(2), bytes),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await ledger.waiting("tiny", "received", 10)).toHaveLength(2);
    expect(await ledger.contribution(id(9))).toBeUndefined();
  });

  ledgerTest(
    "publishing moves the head, writes receipts and deletes what waited",
    async (ledger) => {
      for (const n of [1, 2]) {
        await enterQueued(ledger, n, 5);
      }
      const fence = await ledger.takeOver("tiny");
      const publication = { version: version(1), fence, inputs: inputs(1, 2), events: [] };
      expect(await ledger.publish(publication)).toBe("published");
      expect((await ledger.model("tiny"))?.head).toBe(1);
      const life = await ledger.contribution(id(1));
      expect(life).toMatchObject({ state: "merged", version: 1, multiplier: 4096, credit: 100 });
      expect(await ledger.waitingBytes(id(1))).toBeUndefined();
      expect((await ledger.shards("tiny"))[0]).toMatchObject({ trained: 2 });
      expect(await ledger.shardTrainers("tiny")).toEqual(new Map([[0, 1]]));
      expect(await ledger.totals("tiny")).toEqual({ merged: 2, contributors: 1 });
      expect(await ledger.counts("tiny", 10)).toMatchObject({ merged24h: 2, lastMergeAt: 1 });
      const [leader] = await ledger.leaderboard("tiny", 0, 10);
      expect(leader).toEqual({ contributor: id(7), credit: 200, merged: 2, lastMergedAt: 1 });
      expect(await ledger.mergedNorms("tiny", 10)).toEqual(expect.arrayContaining([1, 2]));
    },
  );

  ledgerTest("nothing is published on another parent, past a fence or twice", async (ledger) => {
    for (const n of [1, 2]) {
      await enterQueued(ledger, n, 5);
    }
    const old = await ledger.takeOver("tiny");
    const fence = await ledger.takeOver("tiny");
    const first = { version: version(1), fence, inputs: inputs(1), events: [] };
    expect(await ledger.publish({ ...first, fence: old })).toBe("fenced");
    expect(await ledger.publish({ ...first, version: version(2) })).toBe("fenced");
    expect(await ledger.publish(first)).toBe("published");
    expect(await ledger.publish(first)).toBe("fenced");
    const twice = { version: version(2), fence, inputs: inputs(2, 1), events: [] };
    expect(await ledger.publish(twice)).toBe("not-waiting");
    expect((await ledger.model("tiny"))?.head).toBe(1);
    expect((await ledger.contribution(id(2)))?.state).toBe("queued");
  });

  ledgerTest("what is refused keeps its reason and loses its bytes", async (ledger) => {
    await ledger.enter(contribution(1), bytes);
    await ledger.refuseWaiting([id(1)], { code: "harmful", message: "worse by 1" }, 9);
    const life = await ledger.contribution(id(1));
    expect(life).toMatchObject({ state: "refused", reason: { code: "harmful" }, updatedAt: 9 });
    expect(await ledger.waitingBytes(id(1))).toBeUndefined();
    await ledger.passScreen(id(1), 3, 10);
    expect((await ledger.contribution(id(1)))?.state).toBe("refused");
    expect(await ledger.counts("tiny", 10)).toMatchObject({ received: 0, refused24h: 1 });
  });

  ledgerTest("a refusal repeats until it is forgotten", async (ledger) => {
    const refusal = (n: number) => {
      return { id: id(n), contributor: id(7), code: "copied", message: "", refused_at: n };
    };
    await ledger.issueTicket(ticket(9), [0]);
    for (const n of [1, 2, 3]) await ledger.recordRefusal(refusal(n), id(n), 0);
    await ledger.recordRefusal({ ...refusal(1), message: "another" }, id(1), 0);
    expect(await ledger.refusal(id(1))).toMatchObject({ message: "" });
    await ledger.recordRefusal(refusal(9), id(9), 3);
    const kept = await Promise.all([1, 2, 3, 9].map((n) => ledger.refusal(id(n))));
    expect(kept.map((row) => row?.refused_at)).toEqual([undefined, undefined, 3, 9]);
  });

  ledgerTest("a ticket makes one refusal, and none once it is used", async (ledger) => {
    const refusal = (n: number) => {
      return { id: id(n), contributor: id(7), code: "no-effect", message: "", refused_at: n };
    };
    await ledger.enter(contribution(1), bytes);
    await ledger.recordRefusal(refusal(11), id(1), 0);
    await Promise.all([21, 22].map((n) => ledger.recordRefusal(refusal(n), id(2), 0)));
    const kept = await Promise.all([11, 21, 22].map((n) => ledger.refusal(id(n))));
    expect(kept.map((row) => row?.refused_at)).toEqual([undefined, 21, undefined]);
    const tickets = await Promise.all([1, 2, 3].map((n) => ledger.ticket(id(n))));
    expect(tickets.map((row) => row?.used)).toEqual([1, 2, 0]);
  });

  ledgerTest("what is postponed goes to the end of the queue, and is counted", async (ledger) => {
    for (const n of [1, 2]) {
      await enterQueued(ledger, n, n);
    }
    await ledger.postpone([id(1)], 9);
    const queued = await ledger.waiting("tiny", "queued", 5);
    expect(queued.map(({ id, postponed }) => [id, postponed])).toEqual([
      [id(2), 0],
      [id(1), 1],
    ]);
  });

  ledgerTest("counts say what waits, since when, and what was merged", async (ledger) => {
    const empty = await ledger.counts("tiny", 0);
    expect(empty).toMatchObject({ received: 0, queued: 0, oldestReceivedAt: null });
    expect(await ledger.totals("tiny")).toEqual({ merged: 0, contributors: 0 });
    await ledger.enter(contribution(1), bytes);
    await enterQueued(ledger, 2, 3);
    const counts = await ledger.counts("tiny", 10);
    expect(counts).toMatchObject({
      received: 1,
      queued: 1,
      oldestReceivedAt: 1,
      lastMergeAt: null,
    });
    const [waiting] = await ledger.waiting("tiny", "queued", 5);
    expect(waiting).toMatchObject({ id: id(2), score: 0.5, merged_before: 0 });
  });

  ledgerTest("events are numbered without gaps", async (ledger) => {
    await Promise.all(
      [1, 2, 3].map(() => ledger.appendEvents([{ type: "leaderboard", data: { model: "tiny" } }])),
    );
    expect((await ledger.eventsAfter(1, 10)).map(({ id }) => Number(id))).toEqual([2, 3]);
    expect(await ledger.lastEvent()).toBe(3);
    await ledger.enter(contribution(1), bytes);
    const ofType = await ledger.eventsAfter(0, 1, ["contribution", "version"]);
    expect(ofType.map(({ id, type }) => [Number(id), type])).toEqual([[4, "contribution"]]);
  });

  ledgerTest("of many events at once the last are remembered", async (ledger) => {
    const event = { type: "leaderboard", data: { model: "tiny" } } as const;
    await ledger.appendEvents(Array.from({ length: 16_384 }, () => event)); // a cohort's most
    expect(await ledger.lastEvent()).toBe(16_384);
    const kept = (await ledger.eventsAfter(0, 9999)).map(({ id }) => Number(id));
    expect([kept.length, kept[0], kept.at(-1)]).toEqual([4096, 12_289, 16_384]);
  });

  ledgerTest("history is read from either end", async (ledger) => {
    const fence = await ledger.takeOver("tiny");
    for (const n of [1, 2]) {
      await enterQueued(ledger, n, 5);
      await ledger.publish({ version: version(n), fence, inputs: inputs(n), events: [] });
    }
    const numbers = (rows: { readonly number: number }[]) => rows.map(({ number }) => number);
    expect(numbers(await ledger.versions("tiny", null, 2))).toEqual([2, 1]);
    const [base, ...older] = await ledger.versions("tiny", 1, 2);
    expect([base?.number, older]).toEqual([0, []]);
    expect(base).not.toHaveProperty("signed");
    expect(numbers(await ledger.versionsBetween("tiny", 1, 2))).toEqual([1, 2]);
    const [first, second] = [1, 2].map((n) => {
      const { number, checkpoint, step, step_bytes } = version(n);
      return { number, checkpoint, step, step_bytes };
    });
    expect(await ledger.steps("tiny", 1, 2)).toEqual([first, second]);
    expect(await ledger.steps("tiny", 2, 2, 9)).toEqual([second]);
    expect(await ledger.steps("tiny", 1, 2, 16)).toBeNull(); // 8 bytes each
    expect(await ledger.steps("tiny", 3, 2)).toEqual([]);
    expect((await ledger.keyframe("tiny", 2))?.number).toBe(0);
    expect((await ledger.versionById("tiny", id(1002)))?.number).toBe(2);
  });

  ledgerTest(
    "maintainers are known by the hash of their token; the audit log says who",
    async (ledger) => {
      await ledger.putMaintainer("first", id(1), 1);
      await ledger.putMaintainer("first", id(2), 2);
      expect(await ledger.maintainer(id(1))).toBeUndefined();
      expect(await ledger.maintainer(id(2))).toBe("first");
      const change = { model: "tiny", paused: true, maintainer: "first", at: 3 };
      await ledger.setPaused(change);
      expect((await ledger.model("tiny"))?.paused).toBe(1);
      expect(await ledger.audit(5)).toEqual([
        { id: 1, at: 3, maintainer: "first", action: "pause", subject: "tiny", note: null },
      ]);
    },
  );

  ledgerTest(
    "a revert waits, moves the head and takes credit and training back, once",
    async (ledger) => {
      for (const n of [1, 2]) {
        await enterQueued(ledger, n, 5);
      }
      const fence = await ledger.takeOver("tiny");
      await ledger.publish({ version: version(1), fence, inputs: inputs(1), events: [] });
      const request = { model: "tiny", reason: "spam", maintainer: "first", at: 9 };
      const asked = (n: number, insists = false) =>
        ledger.requestRevert({ ...request, contribution: id(n), insists });
      expect(await asked(2)).toEqual({ kind: "refused", code: "not-merged" });
      expect(await asked(8)).toEqual({ kind: "refused", code: "contribution-unknown" });
      const entries = await Promise.all([asked(1), asked(1)]);
      expect(entries.map(({ kind }) => kind)).toEqual(["waiting", "waiting"]);
      expect(await ledger.audit(5)).toHaveLength(1);

      const waiting = (await ledger.nextRevert("tiny"))!;
      await ledger.refuseRevert(waiting, "worse", 10);
      expect(await ledger.nextRevert("tiny")).toBeUndefined();
      expect(await ledger.revert(id(1))).toMatchObject({ state: "refused", message: "worse" });
      await asked(1); // tried again
      const again = (await ledger.nextRevert("tiny"))!;
      await Promise.all([asked(1, true), asked(1, true)]); // while it is tried
      await ledger.refuseRevert(again, "worse", 11);
      await asked(1);
      const revert = (await ledger.nextRevert("tiny"))!;
      expect(revert).toMatchObject({ state: "waiting", insists: 1 });
      const publication = { version: version(2), fence, revert, objection: "worse", events: [] };
      expect(await ledger.publishRevert({ ...publication, fence: fence - 1 })).toBe(false);
      expect(await ledger.publishRevert({ ...publication, version: version(3) })).toBe(false);
      expect((await ledger.contribution(id(1)))?.state).toBe("merged");
      expect(await ledger.publishRevert(publication)).toBe(true);
      expect(await ledger.publishRevert(publication)).toBe(false);

      expect((await ledger.model("tiny"))?.head).toBe(2);
      expect(await ledger.contribution(id(1))).toMatchObject({
        state: "reverted",
        reason: { code: "reverted", message: "spam" },
        version: 1,
        credit: 0,
      });
      const [event] = (await ledger.eventsAfter(0, 99)).slice(-1);
      expect(event?.data).toContain('"state":"reverted"');
      expect(await ledger.strikes("tiny")).toEqual([
        { contribution: id(1), merged: 1, reverted: 2 },
      ]);
      expect(await ledger.leaderboard("tiny", 0, 10)).toEqual([]);
      expect((await ledger.shards("tiny"))[0]).toMatchObject({ trained: 0 });
      expect(await ledger.shardTrainers("tiny")).toEqual(new Map());
      expect(await asked(1)).toEqual({ kind: "refused", code: "already-reverted" });
      const actions = (await ledger.audit(9)).map(({ action }) => action);
      const insisting = ["revert-published", "revert-insist", "revert"];
      expect(actions).toEqual([...insisting, "revert-refused", "revert"]);
      expect((await ledger.audit(1))[0]?.note).toBe("version 2 is without it, although worse");
    },
  );

  ledgerTest(
    "a contributor's tickets, those not used or those spent, are counted from the newest",
    async (ledger) => {
      await ledger.issueTicket({ ...ticket(4), contributor: id(8) }, [0]);
      const since = async (of: "unused" | "spent" = "unused") => {
        const all = [1, 2, 3, 4].map((n) => ledger.ticketsSince(id(7), { unused: n, spent: n }));
        return (await Promise.all(all)).map((found) => found[of]);
      };
      expect(await since()).toEqual([3, 2, 1, null]);
      await ledger.enter(contribution(2), bytes);
      expect(await since()).toEqual([3, 1, null, null]);
      for (const n of [2, 3, 3]) await ledger.spendTicket(id(n));
      expect(await since()).toEqual([1, null, null, null]);
      expect(await since("spent")).toEqual([3, null, null, null]);
    },
  );

  ledgerTest("old tickets are forgotten, those of contributions kept", async (ledger) => {
    await ledger.enter(contribution(1), bytes);
    const refusal = { id: id(9), contributor: id(7), code: "no-effect", message: "" };
    await ledger.recordRefusal({ ...refusal, refused_at: 5 }, id(3), 0);
    await ledger.issueTicket(ticket(30 * 24 * HOUR_MS), [0]);
    expect(await ledger.ticket(id(1))).toBeDefined();
    expect(await ledger.ticket(id(2))).toBeUndefined();
    expect(await ledger.ticket(id(3))).toBeUndefined();
    expect((await ledger.shards("tiny"))[0]?.assigned).toBe(4);
  });

  judgingSuite(ledgerTest);
  spotCheckSuite(ledgerTest);
  banSuite(ledgerTest);
}
