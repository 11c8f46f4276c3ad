import { expect } from "vitest";
import {
  bytes,
  contribution,
  HOUR_MS,
  id,
  type LedgerTest,
  STALE_AFTER,
  takeOver,
} from "../../fixtures/ledger-rows.ts";

const holding = (holder: string, said: Record<string, { problem: string }> = {}) => ({
  holder,
  lengthMs: HOUR_MS,
  models: ["tiny"],
  said: new Map(
    Object.entries(said).map(([model, { problem }]) => [model, { problem, scoreSeconds: 2.5 }]),
  ),
});

/** Which relay publishes a model. */
export function leaseSuite(ledgerTest: LedgerTest): void {
  ledgerTest("H41: a relay goes on holding a model under one fence", async (ledger) => {
    const first = await ledger.history.holdLeases(holding("a relay"));
    expect([...first.keys()]).toEqual(["tiny"]);
    expect(await ledger.history.holdLeases(holding("a relay"))).toEqual(first);
    expect((await ledger.history.model("tiny"))?.fence).toBe(first.get("tiny")?.fence);
  });

  ledgerTest("H41: while one relay holds a model no other can", async (ledger) => {
    const [first, second] = await Promise.all(
      ["a relay", "another"].map((holder) => ledger.history.holdLeases(holding(holder))),
    );
    const { fence } = first!.get("tiny")!;
    expect([typeof fence, second!.get("tiny")?.fence]).toEqual(["number", null]);
    await ledger.history.releaseLeases("another"); // what it does not hold
    expect((await ledger.history.holdLeases(holding("another"))).get("tiny")?.fence).toBe(null);
    await ledger.history.releaseLeases("a relay");
    const taken = await ledger.history.holdLeases(holding("another"));
    expect(taken.get("tiny")?.fence).toBe(fence! + 1);
  });

  ledgerTest(
    "H41: a lease that ran out is anybody's, and still its holder's until then",
    async (ledger) => {
      const fence = await takeOver(ledger, "a relay");
      expect(await takeOver(ledger, "a relay")).toBe(fence);
      expect(await takeOver(ledger, "another")).toBe(fence + 1);
      expect(await takeOver(ledger, "a relay")).toBe(fence + 2);
    },
  );

  ledgerTest(
    "H41: no verdict of a relay is written once another holds the model, and the other's are",
    async (ledger) => {
      const { contributions } = ledger;
      await contributions.enter(contribution(1), bytes, STALE_AFTER);
      const stateOf = async () => (await contributions.contribution(id(1)))?.state;
      const sleeper = { model: "tiny", fence: await takeOver(ledger, "a relay") };
      const other = { model: "tiny", fence: await takeOver(ledger, "another") };
      expect(await contributions.writeVerdict(other, "passScreen", [id(1), 0.5, 1])).toBe(true);
      expect(await contributions.writeVerdict(other, "queue", [id(1), 2])).toBe(true);
      const refusal = { code: "no-gain", message: "late" } as const;
      const late = ["refuseWaiting", [[id(1)], refusal, 3]] as const;
      expect(await contributions.writeVerdict(sleeper, late[0], [...late[1]])).toBe(false);
      expect(await stateOf()).toBe("queued");
      expect(await contributions.waitingBytes(id(1))).toEqual(bytes);
      expect(await contributions.writeVerdict(other, late[0], [...late[1]])).toBe(true);
      expect(await stateOf()).toBe("refused");
    },
  );

  ledgerTest("H41: the others hear what the holder of a model says of it", async (ledger) => {
    const said = { tiny: { problem: "the relay's disk is full" } };
    await ledger.history.holdLeases(holding("a relay", said));
    const heard = (await ledger.history.holdLeases(holding("another"))).get("tiny");
    expect(heard).toEqual({ fence: null, problem: "the relay's disk is full", scoreSeconds: 2.5 });
    await ledger.history.releaseLeases("a relay");
    const taken = (await ledger.history.holdLeases(holding("another"))).get("tiny");
    expect(taken).toMatchObject({ problem: null });
  });
}
