import { rm } from "node:fs/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { agreementWith } from "../../core/gate/reference.ts";
import { dequantisePatch } from "../../core/patch/patch.ts";
import { quantise, segmentStarts } from "../../core/patch/quantiser.ts";
import { randomPositions } from "../../core/patch/random-mask.ts";
import type { Ticket } from "../../core/protocol/schemas/ticket.ts";
import { createDamage } from "../../relay-server/content/damage.ts";
import { openTrainer } from "../../relay-server/judging/open-trainer.ts";
import type { VersionRow } from "../../relay-server/store/tables.ts";
import { eventually } from "../fixtures/eventually.ts";
import { openRelayParts } from "../fixtures/relay-parts.ts";
import { startTestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { createVolunteer, type Work } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // starts a relay and threads
const source = tinyModel({ score: { ...tinyRecipe.score, references: 3 } });
let dataDir: string;
let opened: Awaited<ReturnType<typeof openRelayParts>>;
let version: VersionRow;
let ticket: Ticket;
let work: Work;

beforeAll(async () => {
  const stage = await startTestRelay({ source });
  dataDir = stage.dataDir;
  const volunteer = await createVolunteer(stage.client, source.recipe);
  ticket = await volunteer.ask(stage.now());
  work = await volunteer.work(ticket);
  await stage.relay.close();
  opened = await openRelayParts(dataDir, source.recipe);
  version = (await opened.parts.context.history.version("tiny", 0))!;
});
afterAll(async () => {
  await opened.close();
  await rm(dataDir, { recursive: true });
});

const deltaOf = ({ patch, layout, positions }: Work) =>
  dequantisePatch(patch, segmentStarts(layout, positions));

test("G16: honest work goes where the reference goes, turned work against it, noise nowhere", async () => {
  const { trainer, close } = openTrainer(opened.parts);
  const at = (await trainer.reference(version))!;
  const reference = at(work.positions);
  expect(reference.delta.length).toBe(ticket.mask.count);
  const honest = deltaOf(work);
  expect(agreementWith(reference, honest).z).toBeGreaterThan(5);
  expect(
    agreementWith(
      reference,
      honest.map((value) => -value),
    ).z,
  ).toBeLessThan(-5);
  const tossed = honest.map((value, i) => (i % 2 === 0 ? value : -value));
  expect(Math.abs(agreementWith(reference, tossed).z)).toBeLessThan(4);
  expect(await trainer.reference(version)).toBe(at); // trained once
  await close();
});

test("a relay that starts anew trains the same reference", async () => {
  const [first, second] = [openTrainer(opened.parts), openTrainer(opened.parts)];
  const [one, other] = await Promise.all(
    [first, second].map(async ({ trainer }) => (await trainer.reference(version))!),
  );
  expect(other!(work.positions)).toEqual(one!(work.positions));
  await Promise.all([first.close(), second.close()]);
});

test("a ticket that is trained again gives the same bytes on the same backend", async () => {
  const { trainer, close } = openTrainer(opened.parts);
  const { delta } = await trainer.retrain(ticket, work.positions, false);
  const { codes, scales } = quantise(delta, segmentStarts(work.layout, work.positions));
  expect(codes).toEqual(work.patch.codes);
  expect(scales).toEqual(work.patch.scales);
  await close();
});

test("a recipe without references has none", async () => {
  const { context } = opened.parts;
  const { layout } = context.models.get("tiny")!;
  const models = new Map([["tiny", { recipe: tinyRecipe, recipeText: "", layout }]]);
  const { trainer, close } = openTrainer({ ...opened.parts, context: { ...context, models } });
  expect(await trainer.reference(version)).toBeNull();
  await close();
});

test("G16: where everybody's mask is their own, the reference is there for any positions, and honest work agrees with it", async () => {
  const { layout } = opened.parts.context.models.get("tiny")!;
  const { trainer, close } = openTrainer(opened.parts);
  const count = Math.round(0.5 * layout.size);
  const own = { ...version, id: "own", mask: `{"kind":"own","count":${count}}` };
  const at = (await trainer.reference(own))!;
  for (const seed of ["1", "2"]) {
    const positions = randomPositions(seed.repeat(32), count, layout.size);
    const { delta } = await trainer.retrain(ticket, positions, false);
    const reference = at(positions);
    expect(reference.delta.length).toBe(count);
    const { z, length } = agreementWith(reference, delta);
    expect(z).toBeGreaterThan(4);
    expect(length).toBeGreaterThan(0.5);
    expect(length).toBeLessThan(2);
    const turned = delta.map((value) => -value);
    expect(agreementWith(reference, turned).z).toBeLessThan(-4);
  }
  await close();
});

test("a shard that is damaged is not drawn: the reference is trained on others, and a spot check names it", async () => {
  const { context } = opened.parts;
  const lost = new Set<string>();
  const verify = async (id: string) => (lost.has(id) ? null : opened.blobs.read(id));
  const damage = createDamage({ verify });
  const { trainer, close } = openTrainer({ ...opened.parts, context: { ...context, damage } });
  const shards = await context.history.shards("tiny");
  for (const { sha256 } of shards.slice(0, 3)) lost.add(sha256);
  expect(await trainer.reference(version)).not.toBeNull();
  lost.add(ticket.shards[0]!.sha256);
  await expect(trainer.retrain(ticket, work.positions, false)).rejects.toMatchObject({
    message: expect.stringMatching(/^shard "Patterns \d" of tiny is damaged/),
    code: "EDAMAGED",
  });
  expect(damage.problem("tiny")).toMatch(/^shard "Patterns/);
  for (const { sha256 } of shards) lost.add(sha256);
  const next = { ...version, id: "next" };
  await expect(trainer.reference(next)).rejects.toThrow("every shard of tiny");
  await close();
});

test("M7: a shared mask follows from the version, and a training goes first while it is chosen", async () => {
  const { context } = opened.parts;
  const { recipe, layout } = context.models.get("tiny")!;
  const fisher = { examples: 360, damping: 0, outputShare: 0.1, vectorShare: 0.1, tensorCap: 0.9 };
  const mask = { kind: "shared", density: 0.25, epochVersions: 1, fisher } as const;
  const models = new Map([["tiny", { recipe: { ...recipe, mask }, recipeText: "", layout }]]);
  const { blobs, letGo, held } = holdReads(opened.blobs);
  const { trainer, close } = openTrainer({
    ...opened.parts,
    context: { ...context, damage: createDamage({ verify: blobs.read }), models },
  });
  const parameters = await opened.parts.checkpoints.parametersOf(version);
  const task = { model: "tiny", id: version.id, parameters };
  const done: string[] = [];
  const choosing = trainer.chooseMask(task).finally(() => done.push("mask"));
  const shards = (await context.history.shards("tiny")).length;
  await eventually(() => expect(held()).toBe(shards));
  const training = trainer
    .retrain(ticket, work.positions, false)
    .finally(() => done.push("training"));
  await eventually(() => expect(held()).toBe(shards + ticket.shards.length));
  letGo(); // the thread is asked for the mask and, right after, for the training
  const positions = await choosing;
  await training;
  expect(done).toEqual(["training", "mask"]);
  expect(positions.length).toBe(Math.round(0.25 * layout.size));
  expect(await trainer.chooseMask(task)).toEqual(positions);
  expect(await trainer.chooseMask({ ...task, id: "other" })).not.toEqual(positions);
  await close();
});

/** Blobs whose readers wait until they are let go. */
function holdReads(blobs: typeof opened.blobs) {
  const gate = Promise.withResolvers<void>();
  let held = 0;
  const read = async (id: string) => {
    const file = await blobs.read(id);
    held += 1;
    await gate.promise;
    return file;
  };
  return { blobs: { ...blobs, read }, letGo: gate.resolve, held: () => held };
}

test("what is trained when the trainer is closed is rejected", async () => {
  const { trainer, close } = openTrainer(opened.parts);
  const rejected = expect(trainer.reference(version)).rejects.toThrow("closed");
  await close();
  await rejected;
});
