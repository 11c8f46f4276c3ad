import { readFile } from "node:fs/promises";
import { afterEach, expect, test, vi } from "vitest";
import {
  decodeVersion,
  followContributions,
  verifyVersion,
  versionId,
} from "../../core/history/version.ts";
import type { ModelSource } from "../../core/models/model-source.ts";
import { decodeExamples } from "../../core/training/examples.ts";
import { encodeImageExamples } from "../../core/training/image-examples.ts";
import { eventually } from "../fixtures/eventually.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer, type Work } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000 }); // each test starts a relay with its threads
/** Four times the work, backwards. */
function spoiled(work: Work): Work {
  const codes = work.patch.codes.map((code) => -code);
  const scales = work.patch.scales.map((bits) => (bits === 0 ? 0 : bits + 0x800)); // exponent + 2
  return { ...work, patch: { ...work.patch, codes, scales } };
}

type HeldOutFiles = Awaited<ReturnType<ModelSource["heldOut"]>>;

let relay: TestRelay;
afterEach(() => relay.remove());

test("a lone volunteer's work is scored, merged, tested and published with a receipt", async () => {
  relay = await startTestRelay();
  const volunteer = await createVolunteer(relay.client, tinyRecipe);
  const parcel = await contribute(volunteer, relay.now());
  const receipt = await relay.client.putContribution(parcel.id, parcel.bytes, parcel.signature);
  expect(receipt.state).toBe("received");
  const life = await relay.decided(parcel.id);
  expect(life).toMatchObject({ state: "merged", version: 1, multiplier: 2048, credit: 160 });

  const card = await relay.client.model("tiny");
  expect(card).toMatchObject({ head: { number: 1, contributions: 1 }, merged: 1, contributors: 1 });
  const lossNats = [card.base.report.lossNats, card.head.report.lossNats];
  expect(lossNats[1]).toBeLessThan(lossNats[0]!);
  const board = await relay.client.leaderboard("tiny", "24h");
  expect(board.entries).toMatchObject([{ rank: 1, contributor: volunteer.contributor, merged: 1 }]);
  expect(await relay.client.blob(parcel.id)).toEqual(parcel.bytes); // merged work is public
});

test("V2–V6: the published chain verifies, and its bytes are served as they were signed", async () => {
  relay = await startTestRelay();
  const volunteer = await createVolunteer(relay.client, tinyRecipe);
  for (const _ of [1, 2]) {
    const parcel = await contribute(volunteer, relay.now());
    await relay.client.putContribution(parcel.id, parcel.bytes, parcel.signature);
    await relay.decided(parcel.id);
  }
  const { relayKey } = await relay.client.health();
  let parent = null;
  const contributions = new Map<string, "merged" | "reverted">();
  for (const number of [0, 1, 2]) {
    const answer = await relay.ask(`/api/v1/models/tiny/versions/${number}`);
    const version = decodeVersion(new Uint8Array(await answer.arrayBuffer()));
    const verdict = await verifyVersion(version, parent, relayKey, contributions);
    expect(verdict).toMatchObject({ ok: true });
    parent = { id: await versionId(version.record), record: version.record };
    followContributions(contributions, version.record);
  }
  const plan = await relay.client.checkpoint("tiny", "head", { from: 1 });
  expect(plan).toMatchObject({ version: 2, keyframe: null, steps: [{ version: 2 }] });
  const file = await relay.ask("/api/v1/models/tiny/versions/head/export.safetensors");
  expect(file.headers.get("content-disposition")).toContain("tiny-2.safetensors");
});

test("three contributions at once become one version", async () => {
  relay = await startTestRelay();
  const parcels = [];
  for (const _ of [1, 2, 3]) {
    const volunteer = await createVolunteer(relay.client, tinyRecipe);
    parcels.push(await contribute(volunteer, relay.now()));
  }
  await Promise.all(
    parcels.map(({ id, bytes, signature }) => relay.client.putContribution(id, bytes, signature)),
  );
  const lives = await Promise.all(parcels.map(({ id }) => relay.decided(id)));
  expect(lives.map(({ state, version }) => [state, version])).toEqual(
    parcels.map(() => ["merged", 1]),
  );
  const shards = await relay.client.shards("tiny");
  expect(shards.shards.reduce((sum, { trained }) => sum + trained, 0)).toBe(6);
});

test("H6: nobody can load what waits, so that nothing can be fitted to it; what is merged is public", async () => {
  const merge = { ...tinyRecipe.merge, cohortSeconds: 1000 };
  relay = await startTestRelay({ source: tinyModel({ merge }) });
  const { client, ask } = relay;
  const volunteer = await createVolunteer(client, tinyRecipe);
  const { id, bytes, signature } = await contribute(volunteer, relay.now());
  const statusOf = async () => (await ask(`/api/v1/blobs/${id}`)).status;
  expect((await client.putContribution(id, bytes, signature)).state).toBe("received");
  expect(await statusOf()).toBe(404);
  await eventually(async () => expect((await client.contribution(id)).state).toBe("queued"));
  expect(await statusOf()).toBe(404);
  relay.advance(1000 * merge.cohortSeconds);
  await relay.decided(id);
  await eventually(async () => expect(await statusOf()).toBe(200));
});

test("work that harms is refused after scoring, and its bytes are gone", async () => {
  relay = await startTestRelay();
  const volunteer = await createVolunteer(relay.client, tinyRecipe);
  const work = await volunteer.work(await volunteer.ask(relay.now()));
  const parcel = await volunteer.pack(spoiled(work));
  await relay.client.putContribution(parcel.id, parcel.bytes, parcel.signature);
  const life = await relay.decided(parcel.id);
  expect(life).toMatchObject({ state: "refused", reason: { code: "harmful" }, version: null });
  expect((await relay.ask(`/api/v1/blobs/${parcel.id}`)).status).toBe(404);
  expect((await relay.client.health()).models[0]).toMatchObject({ head: 0, refused24h: 1 });
});

/** Two honest contributions and a bad one between them, none refused by its score, in one cohort. */
async function mixedCohort(
  lots: 0 | 255,
  toleranceNats = 100,
  heldOut: (sets: HeldOutFiles) => HeldOutFiles = (sets) => sets,
) {
  const merge = { ...tinyRecipe.merge, cohortSeconds: 1000, newcomerWeight: 1 };
  const score = { ...tinyRecipe.score, toleranceNats };
  const model = tinyModel({ merge, score });
  const source = { ...model, heldOut: async () => heldOut(await model.heldOut()) };
  relay = await startTestRelay({ source, lots });
  const parcels = [];
  for (const isBad of [false, true, false]) {
    const volunteer = await createVolunteer(relay.client, tinyRecipe);
    const work = await volunteer.work(await volunteer.ask(relay.now()));
    parcels.push(await volunteer.pack(isBad ? spoiled(work) : work));
  }
  for (const { id, bytes, signature } of parcels) {
    await relay.client.putContribution(id, bytes, signature);
  }
  const lives = await Promise.all(parcels.map(({ id }) => relay.decided(id)));
  return lives.map(({ state, version, reason }) => [state, version, reason?.code]);
}

test("G10: of a cohort that fails, the bad one is refused and the rest is one version", async () => {
  expect(await mixedCohort(255)).toEqual([
    ["merged", 1, undefined],
    ["refused", null, "gate-failed"],
    ["merged", 1, undefined],
  ]);
  const { record } = await relay.client.version("tiny", 1);
  const { gate } = record.evaluation;
  expect(gate?.evaluations).toBeGreaterThan(1);
  const test = { suite: "gate", against: "parent", version: 0, decision: "pass" };
  expect(gate?.tests).toMatchObject([test]);
  expect(gate?.tests?.[0]?.logEvidence).toBeGreaterThanOrEqual(gate!.tests![0]!.passAt);
});

test("G17: leaving out refuses nobody whom a score may let pass: the gate finds the bad one", async () => {
  expect(await mixedCohort(0)).toEqual([
    ["merged", 1, undefined],
    ["refused", null, "gate-failed"],
    ["merged", 1, undefined],
  ]);
});

/** The third of the score set that version 0's work is scored on shows nothing: whatever a patch does, it does elsewhere. */
function withBlindScore(sets: HeldOutFiles): HeldOutFiles {
  const score = decodeExamples("score", sets.score, tinyRecipe.architecture);
  if (score.kind !== "images") throw new Error("the tiny model sees images");
  const pixels = score.pixels.slice().fill(0, 0, score.pixels.length / 3);
  return { ...sets, score: encodeImageExamples({ ...score, pixels }) };
}

test("G17: who harms where the score did not look is found by leaving it out, and the others are merged", async () => {
  expect(await mixedCohort(0, 0.1, withBlindScore)).toEqual([
    ["merged", 1, undefined],
    ["refused", null, "harmful"],
    ["merged", 1, undefined],
  ]);
  const { record } = await relay.client.version("tiny", 1);
  expect(record.evaluation.gate?.evaluations).toBe(1); // the gate saw it no more
});

test("a paused model gives out no work and merges none, until it is resumed", async () => {
  relay = await startTestRelay();
  const volunteer = await createVolunteer(relay.client, tinyRecipe);
  const parcel = await contribute(volunteer, relay.now());
  const token = await readFile(relay.relay.maintainerTokenFile, "utf8");
  const set = (action: string, bearer = token) =>
    relay.ask(`/api/v1/admin/${action}`, {
      method: "POST",
      headers: { authorization: `Bearer ${bearer}` },
      body: JSON.stringify({ model: "tiny", reason: "A test." }),
    });
  expect((await set("pause", "0".repeat(64))).status).toBe(401);
  expect((await set("pause")).status).toBe(200);
  await expect(volunteer.ask(relay.now())).rejects.toThrow("paused");
  await relay.client.putContribution(parcel.id, parcel.bytes, parcel.signature);
  relay.advance(3600_000);
  relay = await relay.restart();
  expect(await relay.client.contribution(parcel.id)).toMatchObject({ state: "received" });
  expect((await set("resume")).status).toBe(200);
  expect(await relay.decided(parcel.id)).toMatchObject({ state: "merged", version: 1 });
  const audit = await relay.ask("/api/v1/admin/audit", {
    headers: { authorization: `Bearer ${token}` },
  });
  const { entries } = (await audit.json()) as { entries: { action: string }[] };
  expect(entries.map(({ action }) => action)).toEqual(["resume", "pause"]);
});
