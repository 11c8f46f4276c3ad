/** Shared and own masks from the volunteer's device to the published version, on a model that trains in milliseconds. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { layoutOf } from "../../core/models/registry.ts";
import { decodePatchHeader } from "../../core/patch/patch.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import { expectReplays } from "../fixtures/chain.ts";
import { reverted } from "../fixtures/maintainer.ts";
import { volunteerOnce } from "../fixtures/terminal-volunteer.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";

vi.setConfig({ testTimeout: 60_000 }); // each test starts a relay with its threads
const fisher = { examples: 48, damping: 1, outputShare: 0.1, vectorShare: 0.05, tensorCap: 0.8 };
const merge = { ...tinyRecipe.merge, cohortSize: 1, stalenessLimit: 9 };
const gate = { ...tinyRecipe.gate, marginNats: 2 }; // taking good work out must pass
const layout = layoutOf(tinyRecipe.architecture);
const PATIENCE = 12; // pieces until the first shared mask is there, which takes a few milliseconds
let relay: TestRelay;
let folder: string;
let volunteers = 0;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-masks-"));
});
afterEach(async () => {
  await relay.remove();
  await rm(folder, { recursive: true });
});

/** A relay whose tiny model has a protected suite, too. */
function startRelay(changes: Partial<Recipe>): Promise<TestRelay> {
  const heldOut = { ...tinyRecipe.data.heldOut, protected: 300 };
  const data = { ...tinyRecipe.data, heldOut };
  const source = tinyModel({ data, merge, gate, ...changes });
  const withSuite = async () => {
    const sets = await source.heldOut();
    return { ...sets, protected: sets.report };
  };
  return startTestRelay({ source: { ...source, heldOut: withSuite } });
}

/** A stranger's piece of work, merged. */
async function contribute(): Promise<string> {
  const id = await volunteerOnce(relay, "tiny", join(folder, String(volunteers++)));
  expect(await relay.decided(id)).toMatchObject({ state: "merged" });
  return id;
}

const headMask = async () => (await relay.client.version("tiny", "head")).record.mask;

test("M6: masks are random until a shared one is chosen, then everybody trains on it", async () => {
  relay = await startRelay({ mask: { kind: "shared", density: 0.3, epochVersions: 1, fisher } });
  expect(await headMask()).toMatchObject({ kind: "random" });
  for (let i = 0; i < PATIENCE && (await headMask()).kind === "random"; i++) await contribute();
  const mask = await headMask();
  const { parameters } = await relay.client.model("tiny");
  expect(mask).toMatchObject({ kind: "shared", count: Math.round(0.3 * parameters) });

  relay = await relay.restart(); // what is in force is in the ledger and the blobs
  const id = await contribute();
  expect(decodePatchHeader(await relay.client.blob(id)).mask).toEqual(mask);
  await expectReplays(relay.client, "tiny", layout);
});

test("V7: work on a shared mask is taken out again by a replay", async () => {
  relay = await startRelay({ mask: { kind: "shared", density: 0.3, epochVersions: 1, fisher } });
  for (let i = 0; i < PATIENCE && (await headMask()).kind === "random"; i++) await contribute();
  const contribution = await contribute();
  expect(await reverted(relay, contribution)).toMatchObject({ state: "published" });
  await contribute();
  await expectReplays(relay.client, "tiny", layout);
});

test("M8: a volunteer chooses its own mask by the Fisher information of its shards", async () => {
  relay = await startRelay({ mask: { kind: "own", density: 0.3, epochVersions: 1, fisher } });
  const ids = [await contribute(), await contribute()];
  const headers = await Promise.all(
    ids.map(async (id) => decodePatchHeader(await relay.client.blob(id))),
  );
  const { parameters } = await relay.client.model("tiny");
  for (const { mask } of headers) {
    expect(mask).toEqual({ kind: "own", count: Math.round(0.3 * parameters) });
  }
  await expectReplays(relay.client, "tiny", layout);
});

test("G15: where the merge weighs by Fisher information, patches carry it", async () => {
  const weighed = { ...merge, rule: "fisher" as const };
  relay = await startRelay({
    merge: weighed,
    mask: { kind: "random", density: 0.3, epochVersions: 1, fisher },
  });
  await contribute();
  await expectReplays(relay.client, "tiny", layout);
});
