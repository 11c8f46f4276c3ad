import { expect } from "vitest";
import type { SuiteFindings } from "../../../core/protocol/schemas/suite.ts";
import type { SuiteRow } from "../../../relay-server/store/tables.ts";
import { acting, bytes, id, type LedgerTest } from "../../fixtures/ledger-rows.ts";

const metrics = { examples: 99, lossNats: 0.5, accuracy: 0.9 };
const findings: SuiteFindings = {
  version: 0,
  setAside: [4],
  head: metrics,
  release: { version: 0, ...metrics },
};

export function suite(n: number, change: Partial<SuiteRow> = {}): SuiteRow {
  return {
    id: id(n),
    model: "tiny",
    name: `suite-${n}`,
    contributor: id(500 + n),
    signature: "00".repeat(64),
    header: "{}",
    examples: 100,
    size_bytes: 3,
    bytes,
    state: "received",
    message: null,
    findings: null,
    proposed_at: n,
    decided_at: null,
    act: null,
    stopped: 0,
    ...change,
  };
}

/** What suites that people propose ask of the ledger, on any database. */
export function contributedSuites(ledgerTest: LedgerTest): void {
  ledgerTest(
    "a suite is looked at, accepted and withdrawn, each once",
    async ({ history, people }) => {
      expect((await history.proposeSuite(suite(1))).kind).toBe("created");
      expect((await history.proposeSuite(suite(1))).kind).toBe("known");
      expect(await history.proposeSuite(suite(2, { name: "suite-1" }))).toMatchObject({
        code: "suite-taken",
      });
      await history.proposeSuite(suite(3));
      expect((await history.nextSuite("tiny"))?.id).toBe(id(1));
      expect(await history.acceptSuite({ ...acting(0), recipe: "{}", suite: id(1) })).toBe(
        "suite-decided",
      );
      await history.noteFindings(id(1), findings);
      expect((await history.nextSuite("tiny"))?.id).toBe(id(3));
      expect(await history.suiteBytes(id(1))).toEqual(bytes);

      expect(await history.acceptSuite({ ...acting(0, 1), recipe: "{}", suite: id(1) })).toBe(
        "overtaken",
      ); // another head by now
      expect(await history.suitesInForce("tiny")).toEqual([]);
      expect(await history.acceptSuite({ ...acting(0), recipe: "{}", suite: id(1) })).toBe("done");
      expect(await history.acceptSuite({ ...acting(1), recipe: "{}", suite: id(1) })).toBe(
        "suite-decided",
      );
      expect(await history.suiteBytes(id(1))).toBeUndefined();
      await history.noteStopped(id(1), 2);
      expect(await history.suitesInForce("tiny")).toMatchObject([
        { id: id(1), state: "accepted", act: 0, stopped: 2, findings: JSON.stringify(findings) },
      ]);

      expect(await history.withdrawSuite({ ...acting(0), suite: id(1) })).toBe("overtaken"); // the act's number is taken
      expect(await history.withdrawSuite({ ...acting(1), suite: id(1) })).toBe("done");
      expect(await history.withdrawSuite({ ...acting(2), suite: id(1) })).toBe("suite-decided");
      expect(await history.suitesInForce("tiny")).toEqual([]);
      expect((await history.acts("tiny")).map(({ number }) => number)).toEqual([0, 1]);
      expect((await people.audit(9)).map(({ action }) => action)).toEqual([
        "withdraw-suite",
        "accept-suite",
      ]);
      expect((await history.proposeSuite(suite(4, { name: "suite-1" }))).kind).toBe("refused");
    },
  );

  ledgerTest(
    "a refused suite keeps its sentence, and neither its file nor its name",
    async (ledger) => {
      const { history, people } = ledger;
      await history.proposeSuite(suite(1));
      const refusal = { message: "too noisy", maintainer: null, at: 9 };
      expect(await history.refuseSuite(id(1), refusal)).toBe(true);
      expect(await history.refuseSuite(id(1), { ...refusal, maintainer: "first" })).toBe(false);
      expect(await people.audit(9)).toEqual([]); // the relay refused it
      expect(await history.suiteBytes(id(1))).toBeUndefined();
      expect((await history.proposeSuite(suite(2, { name: "suite-1" }))).kind).toBe("created");
      expect(await history.suites("tiny")).toMatchObject([
        { id: id(2), state: "received" },
        { id: id(1), state: "refused", message: "too noisy", decided_at: 9 },
      ]);
    },
  );

  ledgerTest(
    "U2: one suite of a contributor waits at once, and only so many of all",
    async ({ history }) => {
      const mine = { contributor: id(500) };
      await history.proposeSuite(suite(0, mine));
      const full = { kind: "refused", code: "suites-full" };
      expect(await history.proposeSuite(suite(1, mine))).toEqual(full);
      for (let n = 2; n < 17; n++) {
        expect((await history.proposeSuite(suite(n))).kind).toBe("created");
      }
      expect(await history.proposeSuite(suite(17))).toEqual(full);
    },
  );

  ledgerTest(
    "U6: neither a suite nor a recipe is accepted that was looked at beside another",
    async ({ history }) => {
      await history.proposeSuite(suite(1));
      await history.noteFindings(id(1), findings);
      const accepting = { suite: id(1), recipe: "{}" };
      const changing = { before: "{}", suites: [], recipe: '{"title":"one"}' };
      expect(await history.acceptSuite({ ...acting(0), ...accepting, recipe: "{ }" })).toBe(
        "overtaken",
      );
      expect(await history.acceptSuite({ ...acting(0), ...accepting })).toBe("done");
      expect(await history.changeRecipe({ ...acting(1), ...changing })).toBe(false);
      expect(await history.changeRecipe({ ...acting(1), ...changing, suites: [id(1)] })).toBe(true);
    },
  );

  ledgerTest(
    "U2: a ban refuses a contributor's waiting suites, and an erasure takes them",
    async ({ history, people }) => {
      const contributor = id(501);
      await history.proposeSuite(suite(1));
      await history.noteFindings(id(1), findings);
      await people.ban({ contributor, reason: "noise", maintainer: "first", at: 6 });
      expect(await history.suite(id(1))).toMatchObject({
        state: "refused",
        message: "banned: noise",
      });
      expect(await history.suiteBytes(id(1))).toBeUndefined();
      await people.eraseContributor(contributor, { by: "machine", at: 9 });
      expect(await history.suite(id(1))).toBeUndefined();
    },
  );

  ledgerTest(
    "U7: refused suites are forgotten after seven days, and the newest 64 are listed",
    async ({ history }) => {
      for (let n = 1; n <= 66; n++) {
        await history.proposeSuite(suite(n));
        await history.refuseSuite(id(n), { message: "no", maintainer: null, at: n });
      }
      const listed = await history.suites("tiny");
      expect([listed.length, listed[0]?.id, listed.at(-1)?.id]).toEqual([64, id(66), id(3)]);
      const weekMs = 7 * 24 * 3600_000;
      expect(await history.proposeSuite(suite(1, { proposed_at: weekMs }))).toMatchObject({
        kind: "known",
      });
      expect(await history.proposeSuite(suite(1, { proposed_at: weekMs + 2 }))).toMatchObject({
        kind: "created",
      });
      const act = { message: "no", maintainer: null, at: 1 };
      await history.refuseSuite(id(1), act);
      await history.proposeSuite(suite(67, { proposed_at: weekMs + 66 }));
      expect((await history.suites("tiny")).map((each) => each.id)).toEqual([id(67), id(66)]);
    },
  );
}
