import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type HistoryEvent,
  rewriteFrom,
  type SignedHistory,
  signedHistory,
} from "../../tests/fixtures/signed-history.ts";
import { generateKeyPair, publicKeyHex, sha256, signId } from "../crypto/signature.ts";
import type { ActRecord, Deed } from "../protocol/schemas/act.ts";
import type { VersionRecord } from "../protocol/schemas/version.ts";
import { deltaStepBetween, encodeDeltaStep } from "../tensors/delta-step.ts";
import { actId, signAct } from "./act.ts";
import { HistoryError } from "./history-fault.ts";
import type { HistorySource } from "./history-source.ts";
import { commitToSeed } from "./reference-seed.ts";
import { type Pin, readVerifiedChain } from "./verified-chain.ts";
import { verifyHistory } from "./verify-history.ts";
import { signVersion, versionId } from "./version.ts";

const EVENTS: readonly HistoryEvent[] = [
  { merge: 2 },
  { merge: 3 },
  { revert: 1 },
  { merge: 2 },
  { merge: 1 },
];

/** The report, or what the HistoryError says; nothing else is thrown. */
async function verify(source: HistorySource, pin: Pin | null = null) {
  try {
    return { ok: true as const, ...(await verifyHistory(source, { pin })) };
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error;
    const { version, fault, message } = error;
    return { ok: false as const, version, fault, message };
  }
}

test("V2–V8: a history that a relay published verifies, whatever it merged and reverted", async () => {
  const event = fc.oneof(
    { weight: 3, arbitrary: fc.record({ merge: fc.integer({ min: 1, max: 3 }) }) },
    { weight: 2, arbitrary: fc.record({ revert: fc.nat(50) }) },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { maxLength: 9 }),
      fc.nat(),
      fc.constantFrom("random" as const, "own" as const),
      async (events, seed, kind) => {
        const { source, versions } = await signedHistory(events, { seed, kind });
        const report = await verify(source);
        expect(report).toMatchObject({ ok: true, versions: versions.length });
      },
    ),
    { numRuns: 25 },
  );
});

test("a report counts what was merged, reverted and by whom, and pins the newest version", async () => {
  const { source, versions, relay } = await signedHistory(EVENTS);
  const heard: string[] = [];
  const report = await verifyHistory(source, {
    pin: null,
    onProgress: (phase, version, head) => heard.push(`${phase} ${version}/${head}`),
  });
  expect(report).toMatchObject({
    versions: 6,
    merged: 8,
    reverted: 1,
    pin: {
      relayKey: await publicKeyHex(relay),
      number: 5,
      id: await versionId(versions[5]!.record),
    },
  });
  expect(heard.at(0)).toBe("records 0/5");
  expect(heard.at(-1)).toBe("merges 5/5");
});

/** A version's record with something else in its place, signed by the relay itself as all that follow. */
async function forged(number: number, change: (record: VersionRecord) => VersionRecord) {
  const history = await signedHistory(EVENTS);
  await rewriteFrom(history, number, change);
  return verify(history.source);
}

test("V6: a relay that publishes other parameters than its patches lead to is found out", async () => {
  const report = await forged(2, (record) => ({ ...record, checkpoint: "ab".repeat(32) }));
  expect(report).toMatchObject({ ok: false, version: 2, fault: "replay" });
});

test("V6: a multiplier that is not what was merged is found out", async () => {
  const report = await forged(2, (record) => {
    const merge = record.merge!;
    const inputs = merge.inputs.map((input) => ({ ...input, multiplier: input.multiplier >> 1 }));
    return { ...record, merge: { ...merge, inputs } };
  });
  expect(report).toMatchObject({ ok: false, version: 2, fault: "replay" });
});

test("V7: a revert that left the contribution in is found out", async () => {
  const history = await signedHistory(EVENTS);
  const { checkpoint } = history.versions[2]!.record;
  await rewriteFrom(history, 3, (record) => ({ ...record, checkpoint }));
  expect(await verify(history.source)).toMatchObject({ ok: false, version: 3, fault: "replay" });
});

test("V9: a divisor that the rule does not have, and a gate that did not pass, are found out", async () => {
  const divided = await forged(1, (record) => {
    const merge = record.merge!;
    return { ...record, merge: { ...merge, denominator: "4096*fisher" } };
  });
  expect(divided).toMatchObject({ ok: false, version: 1, fault: "denominator" });
  const tests = [
    {
      suite: "gate",
      against: "parent",
      version: 0,
      decision: "pass",
      examples: 9,
      meanDifferenceNats: 0.1,
      logEvidence: 2.9,
      passAt: 3,
    },
  ] as const;
  const untested = await forged(1, (record) => {
    const gate = { ...record.evaluation.gate!, tests: [...tests] };
    return { ...record, evaluation: { ...record.evaluation, gate } };
  });
  expect(untested).toMatchObject({ ok: false, version: 1, fault: "gate" });
  const flips = { version: 0, flips: 3, rightBefore: 10, budget: 0.2 };
  const flipped = await forged(1, (record) => {
    const gate = { ...record.evaluation.gate!, flips };
    return { ...record, evaluation: { ...record.evaluation, gate } };
  });
  expect(flipped).toMatchObject({ ok: false, version: 1, fault: "gate" });
});

/** Put another patch in the place of the first one that version 1 merged; `change` makes its file's text. */
async function withOtherPatch(change: (text: string, history: SignedHistory) => Promise<string>) {
  const history = await signedHistory([{ merge: 2 }, { merge: 1 }]);
  const [input] = history.versions[1]!.record.merge!.inputs;
  const bytes = history.blobs.get(input!.contribution)!;
  const text = await change(Buffer.from(bytes).toString("latin1"), history);
  const other = new Uint8Array(Buffer.from(text, "latin1"));
  const id = await sha256(other);
  history.blobs.set(id, other);
  const signers = await Promise.all(history.contributors.map(publicKeyHex));
  const signer = history.contributors[signers.indexOf(input!.contributor)]!;
  const signature = await signId("contribution", id, signer.privateKey);
  await rewriteFrom(history, 1, (record) => {
    const merge = record.merge!;
    const inputs = merge.inputs
      .map((each) => (each === input ? { ...each, contribution: id, signature } : each))
      .sort((a, b) => (a.contribution < b.contribution ? -1 : 1));
    return { ...record, merge: { ...merge, inputs } };
  });
  return verify(history.source);
}

test.each([
  ["contributor", /"contributor\\":\\"[0-9a-f]{64}/, `"contributor\\":\\"${"ab".repeat(32)}`],
  ["model", /"model\\":\\"tiny/, `"model\\":\\"tinx`],
  ["base", /"base\\":\\"[0-9a-f]{64}/, `"base\\":\\"${"cd".repeat(32)}`],
  ["mask", /"seed\\":\\"0/, `"seed\\":\\"f`],
])("V8: a patch whose header has another %s than the record is found out", async (_, from, to) => {
  const report = await withOtherPatch(async (text) => {
    expect(text).toMatch(from);
    return text.replace(from, to);
  });
  expect(report).toMatchObject({ ok: false, version: 1, fault: "input-header" });
});

test("V11: a seed that was revealed otherwise than committed, or of no earlier version, is found out", async () => {
  const [seed, other] = ["ab".repeat(32), "cd".repeat(32)];
  const commitment = await commitToSeed(seed);
  const reveal = async (version: number, told: string) => {
    const history = await signedHistory(EVENTS);
    await rewriteFrom(history, 1, (record) => ({ ...record, reference: { commitment } }));
    await rewriteFrom(history, 3, (record) => ({
      ...record,
      reference: { commitment, revealed: { version, seed: told } },
    }));
    return readVerifiedChain(history.source, { pin: null });
  };
  const length = (await signedHistory(EVENTS)).versions.length;
  expect(await reveal(1, seed)).toHaveLength(length);
  expect(await reveal(0, other)).toHaveLength(length); // it committed to nothing
  const lie = { version: 3, fault: "reference" };
  await expect(reveal(1, other)).rejects.toMatchObject(lie);
  await expect(reveal(3, seed)).rejects.toMatchObject(lie);
});

test("a patch that is not one is found out", async () => {
  const report = await withOtherPatch(async (text) => text.slice(0, -1));
  expect(report).toMatchObject({ ok: false, version: 1, fault: "malformed" });
});

test("a record that is not there, and a blob whose bytes are others, are found out", async () => {
  const gap = await signedHistory(EVENTS);
  gap.versions.splice(3, 1);
  expect(await verify(gap.source)).toMatchObject({ ok: false, version: 3, fault: "chain" });
  const damaged = await signedHistory(EVENTS);
  const [input] = damaged.versions[2]!.record.merge!.inputs;
  damaged.blobs.get(input!.contribution)![200]! ^= 1;
  expect(await verify(damaged.source)).toMatchObject({ ok: false, version: 2, fault: "missing" });
  damaged.blobs.delete(input!.contribution);
  expect(await verify(damaged.source)).toMatchObject({ ok: false, version: 2, fault: "missing" });
  const short = await signedHistory(EVENTS);
  const longer = { ...short.source, head: async () => 9 };
  expect(await verify(longer)).toMatchObject({ ok: false, fault: "missing" });
});

test("V4: a version that another key signed, also from the pinned one, is found out", async () => {
  const history = await signedHistory(EVENTS);
  const stranger = await generateKeyPair(true);
  const relayKey = await publicKeyHex(stranger);
  const pin = { relayKey, number: 0, id: "00".repeat(32) };
  expect(await verify(history.source, pin)).toMatchObject({ version: 0, fault: "key" });
  const { record } = history.versions[4]!;
  history.versions[4] = await signVersion(record, stranger.privateKey);
  expect(await verify(history.source)).toMatchObject({ version: 4, fault: "signature" });
  history.versions[4] = await signVersion({ ...record, relayKey }, stranger.privateKey);
  expect(await verify(history.source)).toMatchObject({ version: 4, fault: "key" });
});

test("V10: a relay restored from yesterday's copy is rolled back, and once it went on, rewritten", async () => {
  const history = await signedHistory(EVENTS);
  const report = await verify(history.source);
  if (!report.ok) throw new Error(report.message);
  const { pin } = report;
  expect(await verify(history.source, pin)).toMatchObject({ ok: true });
  const today = history.versions.splice(4);
  expect(await verify(history.source, pin)).toMatchObject({ version: null, fault: "rolled-back" });
  history.versions.push(...today);
  await rewriteFrom(history, 5, (record) => ({ ...record, createdAt: record.createdAt + 1 }));
  expect(await verify(history.source)).toMatchObject({ ok: true }); // to a new visitor it is as good
  expect(await verify(history.source, pin)).toMatchObject({ version: 5, fault: "rewritten" });
});

test("another model's history is not taken for this one's", async () => {
  const { source } = await signedHistory(EVENTS);
  const report = await verify({ ...source, model: "digits" });
  expect(report).toMatchObject({ ok: false, version: 0, fault: "model" });
});

test("an unreachable source is an error, not a fault of the history", async () => {
  const { source } = await signedHistory(EVENTS);
  const version = async () => {
    throw new TypeError("no network");
  };
  await expect(verify({ ...source, version })).rejects.toThrow("no network");
});

test("in full, a step for downloading that leads elsewhere than the record is found out", async () => {
  const { source, parameters, layout, blobs } = await signedHistory(EVENTS);
  /** Serves each step; that to version `spoilt` moves one parameter too many. */
  const serving = (spoilt: number): HistorySource => ({
    ...source,
    async plan(number, { from = 0 }) {
      const after = new Float32Array(parameters[number]!);
      if (number === spoilt) after[5]! += 1;
      const bytes = encodeDeltaStep(deltaStepBetween(parameters[from]!, after), layout.size);
      const id = await sha256(bytes);
      blobs.set(id, bytes);
      const checkpoint = "00".repeat(32);
      const step = { version: number, checkpoint, sha256: id, sizeBytes: bytes.length };
      return { version: number, checkpoint, keyframe: null, steps: [step], blobs: "/" };
    },
  });
  const verifyFull = (spoilt: number) => verifyHistory(serving(spoilt), { pin: null, full: true });
  expect(await verifyFull(0)).toMatchObject({ versions: 6 });
  await expect(verifyFull(4)).rejects.toMatchObject({ version: 4, fault: "served" });
});

test("V10: a reader remembers the newest act, and notices when it is gone or another", async () => {
  const { source, versions, relay } = await signedHistory([{ merge: 2 }]);
  const { model, relayKey } = versions[0]!.record;
  const head = { number: 1, id: await versionId(versions[1]!.record) };
  async function signed(number: number, parent: string | null, reason: string, deed: Deed) {
    const format = "commonweight.act/1" as const;
    const act: ActRecord = {
      format,
      model,
      number,
      parent,
      createdAt: 1,
      relayKey,
      head,
      reason,
      deed,
    };
    return { act: await signAct(act, relay.privateKey), id: await actId(act) };
  }
  const first = await signed(0, null, "a break", { kind: "retire" });
  const second = await signed(1, first.id, "it goes on", { kind: "unretire" });
  const other = await signed(1, first.id, "it never stopped", { kind: "unretire" });
  const withActs = (...acts: readonly (typeof first)[]): HistorySource => ({
    ...source,
    acts: async () => acts.map(({ act }) => act),
  });
  const seen = await verify(withActs(first, second));
  expect(seen).toMatchObject({ ok: true, pin: { act: { number: 1, id: second.id } } });
  const { pin } = seen as { pin: Pin };
  expect(await verify(withActs(first, second), pin)).toMatchObject({ ok: true, pin });
  expect(await verify(withActs(first), pin)).toMatchObject({ fault: "rolled-back" });
  expect(await verify(withActs(first, other), pin)).toMatchObject({ fault: "rewritten" });
});
