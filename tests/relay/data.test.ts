import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { relaySource } from "../../core/history/history-source.ts";
import { verifyHistory } from "../../core/history/verify-history.ts";
import { chunksOfShards, planData } from "../../core/models/addition-files.ts";
import type { SourceShard } from "../../core/models/model-source.ts";
import type { Maintainer } from "../../core/protocol/maintainer-client.ts";
import type { AdditionStatus } from "../../core/protocol/schemas/addition.ts";
import { encodeExamples, joinExamples, sliceExamples } from "../../core/training/examples.ts";
import { additionEnded, sendMissing } from "../fixtures/additions.ts";
import { maintainerOf } from "../fixtures/maintainer.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyPatterns, tinyRecipe } from "../fixtures/tiny-model.ts";
import { createVolunteer } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
let relay: TestRelay;
let maintainer: Maintainer;
beforeEach(async () => {
  const merge = { ...tinyRecipe.merge, cohortSize: 1 };
  const gate = { ...tinyRecipe.gate, marginNats: 2 };
  relay = await startTestRelay({ source: tinyModel({ merge, gate }), seed: "data" });
  maintainer = await maintainerOf(relay);
});
afterEach(() => relay.remove());

const about = { model: "tiny", source: "more.csv", licence: "CC-BY-4.0" };
const reason = "winter is over";

function shardOf(title: string, ...parts: readonly ReturnType<typeof tinyPatterns>[]): SourceShard {
  const examples = joinExamples(parts);
  return { title, examples: examples.count, bytes: encodeExamples(examples) };
}

/** Send what is missing of `shards`, at most `most` chunks, and ask how far it is. */
async function send(
  shards: readonly SourceShard[],
  most?: number,
  changes: Partial<typeof about> = {},
): Promise<AdditionStatus> {
  const request = { plan: await planData({ ...about, ...changes }, shards), reason };
  return sendMissing(maintainer, request, chunksOfShards(shards), most);
}

const ended = (status: AdditionStatus) => additionEnded(maintainer, status);

const verify = () => verifyHistory(relaySource(relay.client, "tiny"), { pin: null, full: true });

test("R10: data that come later are drawn for the next tickets, and the signed history says what they are", async () => {
  const volunteer = await createVolunteer(relay.client, tinyRecipe);
  await volunteer.ask(relay.now());
  await volunteer.ask(relay.now()); // four of six shards are handed out
  const added = await ended(await send([shardOf("Spring", tinyPatterns("spring", 50))]));
  expect(added).toMatchObject({
    state: "added",
    outcome: { shards: 1, examples: 50, removed: { heldOut: 0, known: 0 } },
  });
  expect(await readdir(join(relay.dataDir, "additions"))).toEqual([]);
  const { shards } = await relay.client.shards("tiny");
  expect(shards.slice(6)).toMatchObject([{ index: 6, title: "Spring", examples: 50 }]);
  const card = await relay.client.model("tiny");
  expect(card.shards).toBe(7);

  const drawn: number[] = [];
  for (let i = 0; i < 2; i++) {
    const { shards: own } = await volunteer.ask(relay.now());
    drawn.push(...own.map(({ index }) => index));
  }
  expect(drawn).toHaveLength(4);
  expect(drawn).toContain(6); // one of the three that were handed out least
  const { data, acts } = await verify();
  expect(acts).toBe(1);
  expect(data).toMatchObject([{ source: "more.csv", licence: "CC-BY-4.0", first: 6, since: 0 }]);
  const [entry] = (await maintainer.audit()).entries;
  expect(entry).toMatchObject({ action: "add-data", subject: "tiny", note: reason });

  relay = await relay.restart();
  expect((await relay.client.model("tiny")).shards).toBe(7);
  expect((await verify()).data).toHaveLength(1);
});

test("R10: copies of held-out examples and of known ones are left out and counted, and nothing new is refused", async () => {
  const held = sliceExamples(tinyPatterns("gate", 300), 10, 13) as ReturnType<typeof tinyPatterns>;
  const known = sliceExamples(tinyPatterns("shard 2", 60), 0, 5) as ReturnType<typeof tinyPatterns>;
  const fresh = tinyPatterns("fresh", 40);
  const mixed = [shardOf("Mixed", held, fresh, known), shardOf("Old", known)];
  const { outcome } = await ended(await send(mixed));
  expect(outcome).toEqual({ shards: 1, examples: 40, removed: { heldOut: 3, known: 10 } });
  const { shards } = await relay.client.shards("tiny");
  expect(shards.at(-1)).toMatchObject({ title: "Mixed", examples: 40 });
  const bytes = await relay.client.blob(shards.at(-1)!.sha256);
  expect(bytes).toEqual(encodeExamples(fresh));

  const again = await ended(await send([shardOf("Again", fresh, held)]));
  expect(again).toMatchObject({ state: "refused", outcome: null });
  expect(again.problem).toBe(
    "more.csv: nothing new; 40 examples are in the model's shards and 3 are held out",
  );
  expect((await relay.client.acts("tiny")).length).toBe(1);
});

test("R10: an upload of data that broke off goes on where it stopped, also after a restart of the relay", async () => {
  const shards = ["a", "b", "c"].map((seed) => shardOf(seed, tinyPatterns(seed, 20)));
  expect(await send(shards, 2)).toMatchObject({ state: "uploading", done: 2, total: 3 });
  relay = await relay.restart();
  maintainer = await maintainerOf(relay);
  const last = await send(shards, 1);
  expect((await ended(last)).outcome).toMatchObject({ shards: 3, examples: 60 });
});

test("R10: what is no data of the model is refused in a sentence, and nothing of it is kept", async () => {
  const foreign = { ...tinyPatterns("x", 20), pixels: new Uint8Array(20 * 9) };
  const wrong = [shardOf("Good", tinyPatterns("good", 20)), shardOf("Small", foreign)];
  expect((await ended(await send(wrong))).problem).toBe('shard "Small": 9 pixels an image, not 16');
  const short = { ...shardOf("Short", tinyPatterns("short", 20)), examples: 21 };
  expect((await ended(await send([short]))).problem).toBe('shard "Short": 20 examples, not 21');
  expect(await readdir(join(relay.dataDir, "additions"))).toEqual([]);
  expect((await relay.client.model("tiny")).shards).toBe(6);
  expect(await relay.client.acts("tiny")).toEqual([]);
  const unknown = send([shardOf("Good", tinyPatterns("good", 20))], 1, { model: "other" });
  await expect(unknown).rejects.toMatchObject({ code: "model-unknown" });
});

test("R10: data that were added are called added when the same plan comes again, also after a restart", async () => {
  const shards = [shardOf("Spring", tinyPatterns("spring", 50))];
  const first = await ended(await send(shards));
  relay = await relay.restart();
  maintainer = await maintainerOf(relay);
  const known = { state: "added", outcome: first.outcome };
  expect(await maintainer.addition(first.id)).toMatchObject(known);
  expect(await send(shards)).toMatchObject({ ...known, missing: [] });
  expect((await relay.client.model("tiny")).shards).toBe(7);
  expect(await readdir(join(relay.dataDir, "additions"))).toEqual([]);
});
