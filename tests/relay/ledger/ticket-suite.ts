import { expect } from "vitest";
import {
  bytes,
  contribution,
  HOUR_MS,
  id,
  type LedgerTest,
  STALE_AFTER,
  takeOver,
  ticket,
  version,
} from "../../fixtures/ledger-rows.ts";

/** What tickets, and refusals of what came with them, ask of the ledger, on any database. */
export function ticketSuite(ledgerTest: LedgerTest): void {
  ledgerTest("a ticket is good for one contribution, values for one too", async (ledger) => {
    await ledger.contributions.enter(contribution(1), bytes, STALE_AFTER);
    const again = { ...contribution(2), ticket: id(1) };
    expect(await ledger.contributions.enter(again, bytes, STALE_AFTER)).toEqual({
      kind: "refused",
      code: "ticket-used",
    });
    const copy = { ...contribution(2), values_hash: id(1) };
    expect(await ledger.contributions.enter(copy, bytes, STALE_AFTER)).toEqual({
      kind: "refused",
      code: "copied",
    });
    expect(await ledger.tickets.ticket(id(1))).toMatchObject({ used: 1, used_by: id(1) });
    expect(await ledger.tickets.ticket(id(2))).toMatchObject({ used: 0, used_by: null });
  });

  ledgerTest("all that is known of work that arrives is told in one call", async (ledger) => {
    const unknown = { life: undefined, refusal: undefined };
    expect(await ledger.contributions.arrival(id(1), id(8))).toEqual({
      ...unknown,
      ticket: undefined,
    });
    const ticketed = { id: id(1), used: 0, used_by: null };
    expect(await ledger.contributions.arrival(id(1), id(1))).toMatchObject({
      ...unknown,
      ticket: ticketed,
    });
    await ledger.contributions.enter(contribution(1), bytes, STALE_AFTER);
    const known = await ledger.contributions.arrival(id(1), id(1));
    expect(known).toMatchObject({ life: { id: id(1) }, ticket: { used: 1, used_by: id(1) } });
    const refusal = {
      id: id(9),
      contributor: id(7),
      code: "copied",
      message: "",
      refused_at: 1,
      model: "tiny",
      device: null,
      software: null,
    };
    await ledger.contributions.recordRefusal(refusal, id(2), 0);
    expect(await ledger.contributions.arrival(id(9), id(2))).toMatchObject({
      refusal,
      ticket: { used: 2 },
    });
  });

  ledgerTest(
    "H7: what its model takes no more when it is entered spends its ticket, and what was entered before is known",
    async (ledger) => {
      const { contributions } = ledger;
      await contributions.enter(contribution(1), bytes, 0);
      const fence = await takeOver(ledger);
      await ledger.history.publish({ version: version(1), fence, inputs: [], events: [] });
      expect((await contributions.enter(contribution(1), bytes, 0)).kind).toBe("known");
      const late = await contributions.enter(contribution(2), bytes, 0);
      expect(late).toEqual({ kind: "late", present: { head: 1, retired: null } });
      expect(await contributions.contribution(id(2))).toBeUndefined();
      expect(await ledger.tickets.ticket(id(2))).toMatchObject({ used: 2, used_by: null });
      expect((await contributions.enter(contribution(3), bytes, 1)).kind).toBe("created");
    },
  );

  ledgerTest(
    "work counts as on the mask only where the head has it when it is entered",
    async (ledger) => {
      const fence = await takeOver(ledger);
      const other = { ...version(1), mask: '{"other":1}' };
      const enter = (n: number) => ledger.contributions.enter(contribution(n), bytes, STALE_AFTER);
      await enter(1);
      await ledger.history.publish({ version: other, fence, inputs: [], events: [] });
      await enter(2);
      expect(await ledger.status.counts("tiny", 10)).toMatchObject({
        received24h: 2,
        onMask24h: 1,
      });
    },
  );

  ledgerTest("H10: a ticket that a refusal spent makes no contribution", async (ledger) => {
    await ledger.tickets.spendTicket(id(1));
    expect(await ledger.contributions.enter(contribution(1), bytes, STALE_AFTER)).toEqual({
      kind: "refused",
      code: "ticket-used",
    });
    expect(await ledger.contributions.contribution(id(1))).toBeUndefined();
    expect(await ledger.contributions.waitingBytes(id(1))).toBeUndefined();
  });

  ledgerTest("a refusal repeats until it is forgotten", async (ledger) => {
    const refusal = (n: number) => {
      return {
        id: id(n),
        contributor: id(7),
        code: "copied",
        message: "",
        refused_at: n,
        model: "tiny",
        device: null,
        software: null,
      };
    };
    await ledger.tickets.issueTicket(ticket(9), [0]);
    for (const n of [1, 2, 3]) await ledger.contributions.recordRefusal(refusal(n), id(n), 0);
    await ledger.contributions.recordRefusal({ ...refusal(1), message: "another" }, id(1), 0);
    expect(await ledger.contributions.refusal(id(1))).toMatchObject({ message: "" });
    await ledger.contributions.recordRefusal(refusal(9), id(9), 3);
    const kept = await Promise.all([1, 2, 3, 9].map((n) => ledger.contributions.refusal(id(n))));
    expect(kept.map((row) => row?.refused_at)).toEqual([undefined, undefined, 3, 9]);
  });

  ledgerTest("a ticket makes one refusal, and none once it is used", async (ledger) => {
    const refusal = (n: number) => {
      return {
        id: id(n),
        contributor: id(7),
        code: "no-effect",
        message: "",
        refused_at: n,
        model: "tiny",
        device: null,
        software: null,
      };
    };
    await ledger.contributions.enter(contribution(1), bytes, STALE_AFTER);
    await ledger.contributions.recordRefusal(refusal(11), id(1), 0);
    await Promise.all(
      [21, 22].map((n) => ledger.contributions.recordRefusal(refusal(n), id(2), 0)),
    );
    const kept = await Promise.all([11, 21, 22].map((n) => ledger.contributions.refusal(id(n))));
    expect(kept.map((row) => row?.refused_at)).toEqual([undefined, 21, undefined]);
    const tickets = await Promise.all([1, 2, 3].map((n) => ledger.tickets.ticket(id(n))));
    expect(tickets.map((row) => row?.used)).toEqual([1, 2, 0]);
  });

  ledgerTest(
    "a contributor's tickets, those not used or those spent, are counted from the newest",
    async (ledger) => {
      await ledger.tickets.issueTicket({ ...ticket(4), contributor: id(8) }, [0]);
      const since = async (of: "unused" | "spent" = "unused") => {
        const all = [1, 2, 3, 4].map((n) =>
          ledger.tickets.standing("tiny", id(7), { unused: n, spent: n }),
        );
        return (await Promise.all(all)).map((found) => found?.[of]);
      };
      expect(await since()).toEqual([3, 2, 1, null]);
      await ledger.contributions.enter(contribution(2), bytes, STALE_AFTER);
      expect(await since()).toEqual([3, 1, null, null]);
      for (const n of [2, 3, 3]) await ledger.tickets.spendTicket(id(n));
      expect(await since()).toEqual([1, null, null, null]);
      expect(await since("spent")).toEqual([3, null, null, null]);
      const nth = { unused: 1, spent: 1 };
      expect(await ledger.tickets.standing("tiny", id(7), nth)).toMatchObject({
        ...{ id: "tiny", head: 0, paused: 0, retired: null, banned: null },
      });
      const ban = { contributor: id(7), reason: "spam", maintainer: "m", at: 1 };
      await ledger.people.ban(ban);
      expect(await ledger.tickets.standing("tiny", id(7), nth)).toMatchObject({ banned: "spam" });
      expect(await ledger.tickets.standing("other", id(7), nth)).toBeUndefined();
    },
  );

  ledgerTest("old tickets are forgotten, those of contributions kept", async (ledger) => {
    await ledger.contributions.enter(contribution(1), bytes, STALE_AFTER);
    const refusal = {
      id: id(9),
      contributor: id(7),
      code: "no-effect",
      message: "",
      model: "tiny",
    };
    await ledger.contributions.recordRefusal(
      { ...refusal, refused_at: 5, device: null, software: null },
      id(3),
      0,
    );
    await ledger.tickets.issueTicket(ticket(30 * 24 * HOUR_MS), [0]);
    expect(await ledger.tickets.ticket(id(1))).toBeDefined();
    expect(await ledger.tickets.ticket(id(2))).toBeUndefined();
    expect(await ledger.tickets.ticket(id(3))).toBeUndefined();
    expect((await ledger.history.shards("tiny"))[0]?.assigned).toBe(4);
  });

  ledgerTest(
    "H10: a used ticket forgets what it asked for once its contribution is decided, and stays used",
    async (ledger) => {
      for (const n of [1, 2]) await ledger.contributions.enter(contribution(n), bytes, STALE_AFTER);
      await ledger.contributions.refuseWaiting([id(1)], { code: "harmful", message: "r" }, 9);
      await ledger.tickets.issueTicket(ticket(30 * 24 * HOUR_MS), [0]);
      expect(await ledger.tickets.ticket(id(1))).toMatchObject({ ticket: "", used_by: id(1) });
      expect(await ledger.tickets.ticket(id(2))).toMatchObject({ ticket: "{}", used_by: id(2) });
      const again = { ...contribution(3), ticket: id(1) };
      expect(await ledger.contributions.enter(again, bytes, STALE_AFTER)).toEqual({
        kind: "refused",
        code: "ticket-used",
      });
    },
  );
}
