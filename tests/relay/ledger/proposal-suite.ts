import { expect } from "vitest";
import type { ProposalRow } from "../../../relay-server/store/tables.ts";
import {
  bytes,
  contribution,
  id,
  type LedgerTest,
  STALE_AFTER,
} from "../../fixtures/ledger-rows.ts";

const WEEK_MS = 7 * 24 * 3600_000;
const FORK = { relayKey: id(1), model: "fork", version: id(2), signature: "00".repeat(64) };

function proposal(n: number, change: Partial<ProposalRow> = {}): ProposalRow {
  return {
    id: id(n),
    model: "tiny",
    contributor: id(500 + n),
    signature: "00".repeat(64),
    fork: JSON.stringify(FORK),
    record: bytes,
    base: 0,
    examples: 100,
    size_bytes: 3,
    values_hash: id(n),
    norm: 1,
    bytes,
    state: "waiting",
    message: null,
    proposed_at: n,
    decided_at: null,
    ...change,
  };
}

/** How proposal `n` becomes a contribution. */
function acceptance(n: number) {
  const ticket = id(800 + n).slice(32);
  return {
    contribution: { ...contribution(n), ticket, fork: JSON.stringify(FORK), shards: "[]" },
    ticket: {
      ...{ id: ticket, model: "tiny", contributor: id(7), base: 0 },
      ...{ ticket: "", issued_at: 9, expires_at: 9, used: 1 },
    },
    stalenessLimit: STALE_AFTER,
    maintainer: "first",
    reason: "it helps",
  };
}

/** What proposals from forks ask of the ledger, on any database. */
export function proposalsFromForks(ledgerTest: LedgerTest): void {
  ledgerTest(
    "K2: a proposal is accepted once, and its patch waits to be judged",
    async ({ contributions, people }) => {
      expect((await contributions.propose(proposal(31))).kind).toBe("created");
      expect((await contributions.propose(proposal(31))).kind).toBe("known");
      const waits = await contributions.waitingProposal(id(31));
      expect([waits?.size_bytes, Uint8Array.from(waits!.record)]).toEqual([3, bytes]);
      expect(waits).not.toHaveProperty("bytes"); // megabytes, which are moved inside the ledger
      expect(await contributions.acceptProposal(acceptance(31))).toBe("done");
      expect(await contributions.acceptProposal(acceptance(31))).toBe("proposal-decided");
      expect(await contributions.waitingBytes(id(31))).toEqual(bytes);
      const [waiting] = await contributions.waiting("tiny", "received", 9);
      expect(waiting).toMatchObject({ id: id(31), fork: JSON.stringify(FORK) });
      const [entry] = await people.audit(1);
      expect(entry).toMatchObject({ action: "accept-proposal", subject: id(31) });
    },
  );

  ledgerTest(
    "K2: what the relay has already is no proposal, also where the proposal was forgotten",
    async ({ contributions }) => {
      await contributions.propose(proposal(31));
      await contributions.propose(proposal(32, { values_hash: id(31) }));
      await contributions.acceptProposal(acceptance(31));
      const copy = acceptance(32);
      const same = { ...copy.contribution, values_hash: id(31) };
      expect(await contributions.acceptProposal({ ...copy, contribution: same })).toBe("copied");
      const later = { proposed_at: 100 + WEEK_MS };
      expect(await contributions.propose(proposal(31, later))).toMatchObject({
        code: "already-contributed",
      });
      const other = proposal(34, { ...later, values_hash: id(31) });
      expect(await contributions.propose(other)).toMatchObject({ code: "copied" });
    },
  );

  ledgerTest(
    "K2: a decided proposal is forgotten after a week, though no other came, and can be proposed again",
    async ({ contributions }) => {
      await contributions.propose(proposal(31));
      const refusal = { message: "no", maintainer: "first", at: 40 };
      await contributions.refuseProposal(id(31), refusal);
      const seen = async (at: number) => [
        (await contributions.proposal("tiny", id(31), at))?.state,
        (await contributions.proposals("tiny", at)).length,
      ];
      expect(await seen(40 + WEEK_MS)).toEqual(["refused", 1]);
      const again = (at: number) => contributions.propose(proposal(31, { proposed_at: at }));
      expect((await again(40 + WEEK_MS)).kind).toBe("known");
      expect(await seen(41 + WEEK_MS)).toEqual([undefined, 0]);
      expect((await again(41 + WEEK_MS)).kind).toBe("created");
      expect(await seen(41 + WEEK_MS)).toEqual(["waiting", 1]);
    },
  );

  ledgerTest(
    "K2: sixteen of a contributor's proposals wait, and a ban refuses them",
    async ({ contributions, people }) => {
      const contributor = id(600);
      for (let n = 0; n < 16; n++) await contributions.propose(proposal(40 + n, { contributor }));
      expect(await contributions.propose(proposal(60, { contributor }))).toMatchObject({
        code: "proposals-full",
      });
      expect((await contributions.propose(proposal(61))).kind).toBe("created");
      await people.ban({ contributor, reason: "spam", maintainer: "first", at: 9 });
      const states = (await contributions.proposals("tiny", 9)).map(({ state }) => state);
      expect(states.filter((state) => state === "refused")).toHaveLength(16);
      await people.ban({ contributor: id(7), reason: "spam", maintainer: "first", at: 9 });
      expect(await contributions.acceptProposal(acceptance(61))).toBe("banned");
    },
  );
}
