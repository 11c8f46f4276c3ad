import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { chunksOf, planAddition } from "../../core/models/addition-files.ts";
import type { ModelSource } from "../../core/models/model-source.ts";
import type { Maintainer } from "../../core/protocol/maintainer-client.ts";
import type { AdditionStatus } from "../../core/protocol/schemas/addition.ts";
import { additionEnded, sendMissing } from "../fixtures/additions.ts";
import { maintainerOf } from "../fixtures/maintainer.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
let relay: TestRelay;
let maintainer: Maintainer;
beforeEach(async () => {
  relay = await startTestRelay({ seed: "additions" });
  maintainer = await maintainerOf(relay);
});
afterEach(() => relay.remove());

const reason = "another community";
const second = (changes: Partial<ModelSource> = {}): ModelSource => ({
  ...tinyModel({ id: "second", title: "Second", merge: { ...tinyRecipe.merge, cohortSize: 1 } }),
  ...changes,
});

/** Send what is missing of `source`, at most `most` chunks. */
async function send(source: ModelSource, most?: number): Promise<AdditionStatus> {
  const request = { plan: await planAddition(source), reason };
  return sendMissing(maintainer, request, chunksOf(source), most);
}

const ended = (status: AdditionStatus) => additionEnded(maintainer, status);

/** Every file of the relay's data folder but the ledger's own. */
async function filesOf(): Promise<string[]> {
  const names = await readdir(relay.dataDir, { recursive: true });
  return names.filter((name) => !/^(ledger|tmp|lock)/.test(name)).sort();
}

test("R6: a model is added to a relay that runs: it gives out work at once, is audited and stays after a restart", async () => {
  const reader = (await relay.ask("/api/v1/events?topics=health")).body!.getReader();
  expect((await send(second())).state).toBe("importing");
  expect((await ended(await send(second()))).state).toBe("added");
  let heard = "";
  while (!heard.includes('"model":"second"')) {
    heard += new TextDecoder().decode((await reader.read()).value);
  }
  await reader.cancel();
  const models = await relay.client.models();
  expect(models.map(({ recipe }) => recipe.id)).toEqual(["tiny", "second"]);

  const volunteer = await createVolunteer(relay.client, second().recipe);
  const { id, bytes, signature } = await contribute(volunteer, relay.now());
  await relay.client.putContribution(id, bytes, signature);
  expect(await relay.decided(id)).toMatchObject({ state: "merged", version: 1 });
  const [entry] = (await maintainer.audit()).entries;
  expect(entry).toMatchObject({ action: "add", subject: "second", note: reason });
  expect(await readdir(join(relay.dataDir, "additions"))).toEqual([]);

  relay = await relay.restart();
  expect(relay.relay.notes.join()).not.toContain("second");
  expect((await relay.client.model("second")).head.number).toBe(1);
});

test("R6: an upload that broke off goes on where it stopped, also after a restart of the relay", async () => {
  const begun = await send(second(), 3);
  expect(begun).toMatchObject({ state: "uploading", done: 3, total: 10 }); // a base, three held-out sets, six shards
  expect(begun.missing).toHaveLength(7);
  relay = await relay.restart();
  maintainer = await maintainerOf(relay);
  await expect(maintainer.addition(begun.id)).rejects.toMatchObject({ code: "addition-unknown" });
  const again = await maintainer.add({ plan: await planAddition(second()), reason: "the same" });
  expect(again.missing).toEqual(begun.missing);
  expect((await ended(await send(second()))).state).toBe("added");
});

test("R6: a model whose files are not in order is refused in a sentence, and leaves nothing behind", async () => {
  const before = await filesOf();
  const settled = async (source: ModelSource) => (await ended(await send(source))).problem;
  const broken = second({
    async *shards() {
      for await (const shard of tinyModel().shards()) {
        yield shard.title === "Patterns 5" ? { ...shard, examples: 59 } : shard;
      }
    },
  });
  expect(await settled(broken)).toBe("second's shard 5: 60 examples, not 59");
  const base = Uint8Array.from(await second().base());
  new DataView(base.buffer).setFloat32(base.length - 4, Number.NaN, true);
  expect(await settled(second({ base: async () => base }))).toBe(
    'base of second "layers.1.weight": value 31 is not finite',
  );
  const short = { ...tinyRecipe.data.heldOut, gate: 299 };
  const other = tinyModel({ id: "second", data: { ...tinyRecipe.data, heldOut: short } });
  expect(await settled(other)).toBe("second's gate set: 300 examples, not 299");
  expect(await filesOf()).toEqual([...before, "additions"].sort());
  expect((await relay.client.models()).map(({ recipe }) => recipe.id)).toEqual(["tiny"]);
  expect((await maintainer.audit()).entries).toEqual([]);
  expect((await ended(await send(second()))).state).toBe("added"); // the name is free still
});

test("R6: what cannot be is refused before anything is sent: a name that is taken, a base of another size, a foreign chunk", async () => {
  const plan = await planAddition(second());
  const refusal = async (changes: object) =>
    maintainer.add({ plan: { ...plan, ...changes }, reason }).catch((error: unknown) => error);
  expect(await refusal({ recipe: tinyRecipe })).toMatchObject({ code: "model-taken" });
  const long = { ...plan.base, sizeBytes: plan.base.sizeBytes + (2 << 20) };
  expect(await refusal({ base: long })).toMatchObject({ code: "malformed" });
  expect(await refusal({ base: { ...plan.base, sizeBytes: 2 ** 40 } })).toMatchObject({
    code: "malformed",
  });
  const { id } = await maintainer.add({ plan, reason });
  const bytes = new Uint8Array(8);
  const put = (sha256: string) =>
    maintainer.putAdditionChunk(id, { sha256, bytes }).catch((error: unknown) => error);
  expect(await put(plan.base.chunks[0]!)).toMatchObject({ code: "hash-mismatch" });
  const zeros = "af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc";
  expect(await put(zeros)).toMatchObject({ code: "malformed" });
});

test("R6: four additions are open at once, and one to which nothing came for a day makes room", async () => {
  const begin = async (id: string) =>
    maintainer.add({ plan: await planAddition(tinyModel({ id })), reason });
  for (const id of ["a", "b", "c", "d"]) await begin(id);
  await expect(begin("e")).rejects.toMatchObject({ code: "unavailable" });
  relay.advance(25 * 3600_000);
  expect((await begin("e")).state).toBe("uploading");
  expect(await readdir(join(relay.dataDir, "additions"))).toHaveLength(1);
});
