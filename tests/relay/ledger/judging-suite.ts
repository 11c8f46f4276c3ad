import { expect } from "vitest";
import { NEWCOMER_MERGES } from "../../../core/merge/multiplier.ts";
import type { GateTest } from "../../../core/protocol/schemas/status.ts";
import type { Ledger } from "../../../relay-server/store/store.ts";
import {
  bytes,
  contribution,
  enterQueued,
  HOUR_MS,
  id,
  inputs,
  type LedgerTest,
  STALE_AFTER,
  takeOver,
  ticket,
  version,
} from "../../fixtures/ledger-rows.ts";

/** Publish version `n` with `changes`, merging the queued contributions `merged`. */
async function publish(ledger: Ledger, n: number, merged: number[], changes = {}): Promise<void> {
  const fence = await takeOver(ledger);
  const publication = { version: { ...version(n), ...changes }, fence, events: [] };
  expect(await ledger.history.publish({ ...publication, inputs: inputs(...merged) })).toBe(
    "published",
  );
}

/** What judging asks of the ledger, on any database. */
export function judgingSuite(ledgerTest: LedgerTest): void {
  ledgerTest(
    "a contribution goes from station to station, an event each, never back",
    async (ledger) => {
      await ledger.contributions.enter(contribution(1), bytes, STALE_AFTER);
      await ledger.contributions.passScore(id(1), 0.5, 4); // not screened yet: nothing happens
      await ledger.contributions.queue(id(1), 4);
      await ledger.contributions.passScreen(id(1), 3.5, 5);
      await ledger.contributions.passScreen(id(1), 9, 6);
      const [screened] = await ledger.contributions.waiting("tiny", "screened", 5);
      expect(screened).toMatchObject({ agreement: 3.5, screened_at: 5, scored_at: null });
      await ledger.contributions.passScore(id(1), 0.25, 7);
      await ledger.contributions.queue(id(1), 8);
      await ledger.contributions.passScore(id(1), 1, 9);
      const [queued] = await ledger.contributions.waiting("tiny", "queued", 5);
      expect(queued).toMatchObject({ score: 0.25, screened_at: 5, scored_at: 7, updated_at: 8 });
      const states = (await ledger.status.eventsAfter(0, 99)).map(
        ({ data }) => /"state":"(\w+)"/.exec(data)?.[1],
      );
      expect(states).toEqual(["received", "screened", "scored", "queued"]);
    },
  );

  ledgerTest("what needs no score is queued without one", async (ledger) => {
    await ledger.contributions.enter(contribution(1), bytes, STALE_AFTER);
    await ledger.contributions.passScreen(id(1), 9, 5);
    await ledger.contributions.queue(id(1), 6);
    const [queued] = await ledger.contributions.waiting("tiny", "queued", 5);
    expect(queued).toMatchObject({ score: null, scored_at: null });
  });

  ledgerTest("G5: merges count in a row; refused work begins the row anew", async (ledger) => {
    const mergedBefore = async () =>
      (await ledger.contributions.waiting("tiny", "queued", 5))[0]?.merged_before;
    for (const n of [4, 5, 6]) await ledger.tickets.issueTicket(ticket(n), [0]);
    await enterQueued(ledger, 1, 1);
    await enterQueued(ledger, 2, 1);
    await publish(ledger, 1, [1], { created_at: 10 });
    expect(await mergedBefore()).toBe(1);
    await ledger.contributions.enter(contribution(3), bytes, STALE_AFTER);
    await ledger.contributions.refuseWaiting([id(3)], { code: "harmful", message: "" }, 11);
    expect(await mergedBefore()).toBe(0);
    await publish(ledger, 2, [2], { created_at: 12 });
    await enterQueued(ledger, 4, 13);
    expect(await mergedBefore()).toBe(1);
    await ledger.contributions.enter(contribution(6), bytes, STALE_AFTER); // nothing is wrong with it
    await ledger.contributions.refuseWaiting([id(6)], { code: "no-gain", message: "" }, 13);
    expect(await mergedBefore()).toBe(1);
    await ledger.contributions.enter(
      { ...contribution(5), contributor: id(8) },
      bytes,
      STALE_AFTER,
    ); // another's refusal
    await ledger.contributions.refuseWaiting([id(5)], { code: "harmful", message: "" }, 14);
    expect(await mergedBefore()).toBe(1);
  });

  ledgerTest(
    "H27: vain is the work on a version that had nothing to gain, and nothing else",
    async ({ contributions }) => {
      expect(await contributions.vainWork("tiny", 0)).toEqual({ count: 0, lastAt: 0 });
      for (const n of [1, 2, 3]) await contributions.enter(contribution(n), bytes, STALE_AFTER);
      for (const n of [1, 2]) {
        await contributions.refuseWaiting([id(n)], { code: "no-gain", message: "" }, 10 + n);
      }
      await contributions.refuseWaiting([id(3)], { code: "gate-failed", message: "" }, 20);
      expect(await contributions.vainWork("tiny", 0)).toEqual({ count: 2, lastAt: 12 });
      expect(await contributions.vainWork("tiny", 1)).toEqual({ count: 0, lastAt: 0 });
    },
  );

  ledgerTest(
    "G18: what waits is counted wherever it waits, but not what a spot check is due of",
    async (ledger) => {
      expect(await ledger.contributions.undecided("tiny")).toBe(0);
      await ledger.contributions.enter(contribution(1), bytes, STALE_AFTER);
      await enterQueued(ledger, 2, 1);
      await enterQueued(ledger, 3, 1);
      expect(await ledger.contributions.undecided("tiny")).toBe(3);
      await ledger.contributions.drawSpotCheck(contribution(1), 2);
      await ledger.contributions.refuseWaiting([id(2)], { code: "harmful", message: "" }, 2);
      expect(await ledger.contributions.undecided("tiny")).toBe(1);
    },
  );

  ledgerTest("G5: merges are counted as far as they make a difference", async (ledger) => {
    const merged = Array.from({ length: NEWCOMER_MERGES + 1 }, (_, i) => 20 + i);
    for (const n of [...merged, 40]) await ledger.tickets.issueTicket(ticket(n), [0]);
    for (const n of merged) await enterQueued(ledger, n, 1);
    await publish(ledger, 1, merged, { created_at: 10 });
    await enterQueued(ledger, 40, 11);
    const [queued] = await ledger.contributions.waiting("tiny", "queued", 5);
    expect(queued?.merged_before).toBe(NEWCOMER_MERGES);
  });

  ledgerTest("work on the same mask that came earlier is found, newest first", async (ledger) => {
    for (const n of [4, 5, 6]) await ledger.tickets.issueTicket(ticket(n), [0]);
    await enterQueued(ledger, 1, 1);
    await publish(ledger, 1, [1]); // the same mask
    await ledger.contributions.enter({ ...contribution(2), base: 1 }, bytes, STALE_AFTER);
    await ledger.contributions.enter(contribution(3), bytes, STALE_AFTER);
    await ledger.contributions.refuseWaiting([id(3)], { code: "harmful", message: "" }, 3);
    await ledger.contributions.enter({ ...contribution(4), received_at: 2 }, bytes, STALE_AFTER); // in the same moment as 2
    const asked = { ...contribution(5), base: 1, received_at: 9 };
    const { contributor } = contribution(1);
    const found = (...all: number[]) => all.map((n) => ({ id: id(n), contributor }));
    expect(await ledger.contributions.earlierOnMask(asked, 9)).toEqual(found(4, 2, 1));
    expect(await ledger.contributions.earlierOnMask(asked, 2)).toEqual(found(4, 2));
    const fourth = { ...contribution(4), received_at: 2 };
    expect(await ledger.contributions.earlierOnMask(fourth, 9)).toEqual(found(2, 1));
    await enterQueued(ledger, 5, 5);
    await publish(ledger, 2, [5], { mask: '{"other":1}' });
    const other = { ...contribution(6), base: 2, received_at: 10 };
    expect(await ledger.contributions.earlierOnMask(other, 9)).toEqual([]);
  });

  ledgerTest("where masks are own, all work that came earlier is on the same", async (ledger) => {
    const mask = '{"kind":"own","count":5}';
    for (const n of [4, 5]) await ledger.tickets.issueTicket(ticket(n), [0]);
    for (const n of [1, 2]) {
      await enterQueued(ledger, n, 1);
      await publish(ledger, n, [n], { mask });
    }
    await ledger.contributions.enter({ ...contribution(3), base: 1 }, bytes, STALE_AFTER);
    await ledger.contributions.enter({ ...contribution(4), base: 2 }, bytes, STALE_AFTER);
    await ledger.contributions.refuseWaiting([id(3)], { code: "harmful", message: "" }, 5);
    const asked = { ...contribution(5), base: 1 };
    const ids = async (limit: number) =>
      (await ledger.contributions.earlierOnMask(asked, limit)).map((r) => r.id);
    expect(await ids(9)).toEqual([id(4), id(2), id(1)]);
    expect(await ids(1)).toEqual([id(4)]);
  });

  ledgerTest(
    "M6: an epoch's versions, arrivals and tickets are those of the head's mask",
    async (ledger) => {
      const mask = '{"second":1}';
      expect(await ledger.history.epoch("tiny", 0, 10)).toEqual({
        versions: 1,
        arrived: 0,
        outstanding: 3,
      });
      await enterQueued(ledger, 1, 1);
      await publish(ledger, 1, [1]);
      expect(await ledger.history.epoch("tiny", 1, 10)).toEqual({
        versions: 2,
        arrived: 1,
        outstanding: 2,
      });
      await enterQueued(ledger, 2, 1);
      const seen = async (n: number) => (await ledger.contributions.arrival(id(n), id(n))).ticket;
      const late = { base: 0, head: 1, retired: null, hasMaskOfHead: true };
      expect(await seen(3)).toMatchObject(late);
      await publish(ledger, 2, [2], { mask });
      expect(await ledger.history.epoch("tiny", 2, 10)).toEqual({
        versions: 1,
        arrived: 0,
        outstanding: 0,
      });
      expect(await seen(3)).toMatchObject({ head: 2, hasMaskOfHead: false });
      await ledger.tickets.issueTicket({ ...ticket(4), base: 2 }, [0]);
      expect(await seen(4)).toMatchObject({ base: 2, head: 2, hasMaskOfHead: true });
      await ledger.contributions.enter(
        { ...contribution(3), on_mask: 0, received_at: 5 },
        bytes,
        STALE_AFTER,
      ); // late
      await ledger.contributions.enter({ ...contribution(4), base: 2 }, bytes, STALE_AFTER);
      expect(await ledger.history.epoch("tiny", 2, 10)).toEqual({
        versions: 1,
        arrived: 1,
        outstanding: 0,
      });
      expect(await ledger.status.counts("tiny", 10)).toMatchObject({
        onMask24h: 3,
        received24h: 4,
      });
    },
  );

  ledgerTest(
    "tickets that were used, expired or given out long ago do not come back",
    async (ledger) => {
      expect(await ledger.tickets.outstanding("tiny", 10)).toBe(3);
      await ledger.contributions.enter(contribution(1), bytes, STALE_AFTER);
      expect(await ledger.tickets.outstanding("tiny", 10)).toBe(2);
      await ledger.tickets.issueTicket({ ...ticket(4), expires_at: 8 }, [0]);
      expect(await ledger.tickets.outstanding("tiny", 10)).toBe(2);
      expect(await ledger.tickets.outstanding("tiny", 2 + HOUR_MS / 6)).toBe(1);
      expect(await ledger.tickets.outstanding("other", 10)).toBe(0);
      for (const n of [11, 12, 13, 14]) await ledger.tickets.issueTicket(ticket(n), [0]);
      expect(await ledger.tickets.outstanding("tiny", 20)).toBe(4); // one contributor's six
      await ledger.tickets.issueTicket({ ...ticket(15), contributor: id(8) }, [0]);
      expect(await ledger.tickets.outstanding("tiny", 20)).toBe(5);
      const out = await ledger.tickets.ticketsOut("tiny", 20);
      expect(out.reduce((sum, { tickets }) => sum + tickets, 0)).toBe(7);
      expect(out.map(({ hasDelivered }) => hasDelivered)).toEqual([false, false]);
    },
  );

  ledgerTest("the newest few gate tests of a model are kept", async (ledger) => {
    const suite = { suite: "gate", against: "parent", version: 0, decision: "fail" } as const;
    const test = (at: number): GateTest => ({
      at,
      head: 0,
      contributions: 3,
      decision: "fail",
      tests: [{ ...suite, examples: 9, meanDifferenceNats: 0.5, logEvidence: -1, passAt: 3 }],
      flips: at % 2 === 0 ? null : { version: 0, flips: 1, rightBefore: 8, budget: 0.1 },
    });
    await ledger.history.recordGateTests("tiny", [1, 2, 3].map(test));
    await ledger.history.recordGateTests("tiny", [4, 5, 6, 7, 8, 9, 10].map(test));
    const kept = await ledger.history.gateTests("tiny");
    expect(kept).toEqual([10, 9, 8, 7, 6, 5, 4, 3].map(test));
    expect(await ledger.history.gateTests("other")).toEqual([]);
  });

  ledgerTest(
    "R2, R8: a tag names one version for ever, is higher than every one before it, and can be taken back",
    async (ledger) => {
      await enterQueued(ledger, 1, 1);
      await publish(ledger, 1, [1]);
      expect(await ledger.history.release("tiny")).toBeUndefined();
      let acts = 0;
      const acting = (head = 1) => ({
        act: { model: "tiny", number: acts, id: id(700 + acts), signed: bytes },
        head,
        reason: "a test",
        maintainer: "first",
        at: 5 + acts,
      });
      const keyAct = { model: "tiny", number: acts++, id: id(799), signed: bytes };
      const first = { ...acting(), version: 1, tag: "1.0.0", after: null, keyAct };
      const answers = await Promise.all([
        ledger.history.tag(first),
        ledger.history.tag({ ...first, version: 0 }),
      ]);
      expect(answers).toEqual(["tagged", "tag-taken"]);
      acts++;
      expect(await ledger.history.release("tiny")).toMatchObject({ version: 1, tag: "1.0.0" });
      const tag = (tag: string, after: string | null = "1.0.0", head = 1) =>
        ledger.history.tag({ ...acting(head), version: 0, tag, after, keyAct: null });
      expect(await tag("0.9.9")).toBe("tag-lower");
      expect(await tag("2.0.0", "0.1.0")).toBe("overtaken");
      expect(await tag("2.0.0", "1.0.0", 0)).toBe("overtaken"); // version 1 is there by now
      expect(await tag("2.0.0")).toBe("tagged");
      acts++;
      expect(await ledger.history.release("tiny")).toMatchObject({ version: 0, tag: "2.0.0" });
      expect((await ledger.history.versionByTag("tiny", "1.0.0"))?.number).toBe(1);
      expect(await ledger.history.versionByTag("tiny", "3.0.0")).toBeUndefined();

      const untag = (tag: string) => ledger.history.untag({ ...acting(), tag });
      expect(await untag("3.0.0")).toBe("tag-unknown");
      expect(await untag("2.0.0")).toBe("untagged");
      acts++;
      expect(await untag("2.0.0")).toBe("tag-unknown");
      expect(await ledger.history.release("tiny")).toMatchObject({ version: 1, tag: "1.0.0" });
      expect(await ledger.history.standard("tiny")).toBe(1);
      expect(await ledger.history.versionByTag("tiny", "2.0.0")).toBeUndefined();
      expect(await tag("2.0.0")).toBe("tag-taken"); // for ever
      expect(await tag("1.2.0")).toBe("tagged"); // lower than what was taken back
      expect((await ledger.history.acts("tiny")).map(({ number }) => number)).toEqual([
        0, 1, 2, 3, 4,
      ]);
      const notes = (await ledger.people.audit(9)).map(({ action, note }) => [action, note]);
      expect(notes).toEqual([
        ["tag", "version 0 is 1.2.0: a test"],
        ["untag", "version 0 is 2.0.0 no more: a test"],
        ["tag", "version 0 is 2.0.0: a test"],
        ["tag", "version 1 is 1.0.0: a test"],
        ["release-key", "a test"], // in one commit with the first release
      ]);
    },
  );
}
