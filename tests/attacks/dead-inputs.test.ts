/** A backdoor through weights that no clean image exercises, by liars who know the rules, through HTTP. */
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { dequantise, quantise, segmentStarts } from "../../core/patch/quantiser.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import { openBackend } from "../../kernels/backend.ts";
import { backdoorSuccess } from "../../sim/community/backdoor.ts";
import { deadInputs } from "../../sim/community/dead-inputs.ts";
import { loadModel } from "../../sim/community/sim-model.ts";
import { darkCornerModel, darkCornerRecipe } from "../fixtures/dark-corner.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { baseOf, contribute, createVolunteer, type Volunteer } from "../fixtures/volunteer.ts";
import { put } from "./stage.ts";

vi.setConfig({ testTimeout: 120_000 }); // a relay with its threads starts first
const TRUSTED_AFTER = 10; // merges in a row
const LIES = 4;
const merge = { ...darkCornerRecipe.merge, cohortSize: 1 };
const gate = { ...darkCornerRecipe.gate, marginNats: 2 };
let relay: TestRelay;
beforeAll(() => openBackend({ prefer: "cpu" }));
afterEach(() => relay.remove());

async function start(score: Partial<Recipe["score"]>): Promise<void> {
  const source = darkCornerModel({ merge, gate, score: { ...darkCornerRecipe.score, ...score } });
  relay = await startTestRelay({ source, seed: "dead inputs" });
}

function recruit(): Promise<Volunteer> {
  return createVolunteer(relay.client, darkCornerRecipe);
}

/**
 * Half of the mask is trained honestly, the other half are weights of the dark corner, trained on triggered images; as long in
 * all as honest work, since the relay measures that.
 */
async function lie(liar: Volunteer) {
  const ticket = await liar.ask(relay.now());
  const honest = await liar.work(ticket);
  const piece = {
    positions: honest.positions,
    shards: ticket.shards.map(({ index }) => index),
    seed: ticket.seed,
    base: { parameters: await baseOf(relay.client, ticket) },
  };
  const { positions, delta } = await deadInputs(await loadModel(darkCornerModel()), piece);
  const scale =
    lengthOf(dequantise(honest.patch, segmentStarts(honest.layout, honest.positions))) /
    lengthOf(delta);
  const values = quantise(
    delta.map((value) => scale * value),
    segmentStarts(honest.layout, positions),
  );
  const header = {
    ...honest.patch.header,
    mask: { kind: "own", count: positions.length } as const,
  };
  return liar.pack({
    ...honest,
    positions,
    patch: { ...honest.patch, ...values, header, positions },
  });
}

const lengthOf = (delta: Float32Array) => Math.hypot(...delta);

/** What became of several lies, each by a key of its own, and how many triggered images obey in the end. */
async function attack(liarOf: () => Promise<Volunteer>) {
  const before = await obeying();
  const fates: string[] = [];
  for (let i = 0; i < LIES; i++) {
    const parcel = await lie(await liarOf());
    expect((await put(relay, parcel)).status).toBe(201);
    const { state, reason } = await relay.decided(parcel.id);
    fates.push(reason?.code ?? state);
  }
  return { fates, gained: (await obeying()) - before };
}

async function obeying(): Promise<number> {
  const { report } = (await loadModel(darkCornerModel())).heldOut;
  const { architecture } = darkCornerRecipe;
  const ticket = await (await recruit()).ask(relay.now());
  return backdoorSuccess(architecture, await baseOf(relay.client, ticket), report);
}

test("where nothing looks at positions, the attack works: triggered images obey", async () => {
  await start({});
  const { fates, gained } = await attack(recruit);
  expect(fates).toEqual(Array(LIES).fill("merged"));
  expect(gained).toBeGreaterThan(0.3);
});

test("G19: a spot check chooses the mask anew, so that positions of the liar's choice are refused, and honest ones pass", async () => {
  await start({ spotCheckShare: 1 });
  const { fates, gained } = await attack(recruit);
  expect(fates).toEqual(Array(LIES).fill("mask-mismatch"));
  expect(gained).toBe(0);
  const honest = await contribute(await recruit(), relay.now());
  await put(relay, honest);
  expect(await relay.decided(honest.id)).toMatchObject({ state: "merged" });
});

test("G23: also where no lot falls on it, what no public example exercises is refused, of newcomers …", async () => {
  await start({ references: 3 });
  const { fates, gained } = await attack(recruit);
  expect(fates).toEqual(Array(LIES).fill("unrelated"));
  expect(gained).toBe(0);
});

test("G23: … and of a key that slept until it was trusted", async () => {
  await start({ references: 3 });
  const sleeper = await recruit();
  for (let i = 0; i < TRUSTED_AFTER; i++) {
    const honest = await contribute(sleeper, relay.now());
    await put(relay, honest);
    expect((await relay.decided(honest.id)).state).toBe("merged");
  }
  const { fates, gained } = await attack(async () => sleeper);
  expect(fates).toEqual(Array(LIES).fill("unrelated"));
  expect(gained).toBe(0);
});
