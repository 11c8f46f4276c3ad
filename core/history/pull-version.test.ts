import { expect, test } from "vitest";
import {
  rewriteFrom,
  type SignedHistory,
  signedHistory,
} from "../../tests/fixtures/signed-history.ts";
import { sha256 } from "../crypto/signature.ts";
import { deltaStepBetween, encodeDeltaStep } from "../tensors/delta-step.ts";
import { encodeDifference } from "../tensors/difference.ts";
import type { HistorySource } from "./history-source.ts";
import { pullVersion } from "./pull-version.ts";

const EVENTS = [{ merge: 2 }, { merge: 1 }, { revert: 0 }, { merge: 1 }];

/** The history's source, which serves every step; the one to version `spoilt` leads elsewhere. */
function serving({ source, parameters, layout, blobs }: SignedHistory, spoilt = 0): HistorySource {
  return {
    ...source,
    async plan(number, { from = 0 }) {
      const steps = [];
      for (let to = from + 1; to <= number; to++) {
        const after = new Float32Array(parameters[to]!);
        if (to === spoilt) after[5]! += 1;
        const bytes = encodeDeltaStep(deltaStepBetween(parameters[to - 1]!, after), layout.size);
        const id = await sha256(bytes);
        blobs.set(id, bytes);
        steps.push({
          version: to,
          checkpoint: "00".repeat(32),
          sha256: id,
          sizeBytes: bytes.length,
        });
      }
      return { version: number, checkpoint: "00".repeat(32), keyframe: null, steps, blobs: "/" };
    },
  };
}

const heldOf = ({ layout, parameters }: SignedHistory, number: number) => ({
  number,
  layout,
  parameters: parameters[number]!,
});

test("a reader goes from the version that it holds to the one that it wants", async () => {
  const history = await signedHistory(EVENTS);
  const held = heldOf(history, 1);
  const { parameters, pin } = await pullVersion(serving(history), 4, { held, pin: null });
  expect(parameters).toEqual(history.parameters[4]);
  const back = await pullVersion(serving(history), 4, { held: heldOf(history, 4), pin });
  expect(back.parameters).toEqual(history.parameters[4]);
});

test("T13: four steps or more come as one difference where the source has one, and it must lead to the version too", async () => {
  const history = await signedHistory(EVENTS);
  const held = heldOf(history, 0);
  const [before, after] = [history.parameters[0]!, new Float32Array(history.parameters[4]!)];
  const asked: string[] = [];
  const source = (bytes: Uint8Array | null): HistorySource => ({
    ...serving(history),
    difference: async (from, number) => {
      asked.push(`${from} ${number}`);
      return bytes;
    },
  });
  const difference = encodeDifference(deltaStepBetween(before, after), before);
  const noBlobs = { ...source(difference), blob: () => Promise.reject(new Error("a blob")) };
  const { parameters } = await pullVersion(noBlobs, 4, { held, pin: null });
  expect(parameters).toEqual(history.parameters[4]);
  const stepwise = await pullVersion(source(null), 4, { held, pin: null });
  expect(stepwise.parameters).toEqual(history.parameters[4]);
  after[5]! += 1;
  const elsewhere = source(encodeDifference(deltaStepBetween(before, after), before));
  await expect(pullVersion(elsewhere, 4, { held, pin: null })).rejects.toMatchObject({
    fault: "served",
  });
  expect(asked).toEqual(["0 4", "0 4", "0 4"]);
  await pullVersion(source(null), 4, { held: heldOf(history, 1), pin: null });
  expect(asked).toHaveLength(3); // three steps are smaller
});

test("V4, V6, V10: what is served, signed or remembered otherwise is refused by name", async () => {
  const history = await signedHistory(EVENTS);
  const held = heldOf(history, 1);
  const { pin } = await pullVersion(serving(history), 4, { held, pin: null });
  await expect(pullVersion(serving(history, 3), 4, { held, pin })).rejects.toMatchObject({
    fault: "served",
  });
  const other = { ...serving(history), model: "digits" };
  await expect(pullVersion(other, 4, { held, pin })).rejects.toMatchObject({ fault: "model" });
  const foreign = { ...pin, relayKey: "ab".repeat(32) };
  await expect(pullVersion(serving(history), 4, { held, pin: foreign })).rejects.toMatchObject({
    fault: "key",
  });
  const shorter = { ...serving(history), head: async () => 3 };
  await expect(pullVersion(shorter, 3, { held, pin })).rejects.toMatchObject({
    fault: "rolled-back",
  });
  const { signature } = history.versions[3]!;
  history.versions[2] = { ...history.versions[2]!, signature };
  await expect(pullVersion(serving(history), 2, { held, pin })).rejects.toMatchObject({
    fault: "signature",
  });
  await rewriteFrom(history, 4, (record) => ({ ...record, createdAt: 1 }));
  await expect(pullVersion(serving(history), 3, { held, pin })).rejects.toMatchObject({
    fault: "rewritten",
  });
});
