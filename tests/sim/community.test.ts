import { beforeAll, expect, test } from "vitest";
import { replayVersion } from "../../core/history/replay.ts";
import {
  followContributions,
  type VerifiedVersion,
  verifyVersion,
} from "../../core/history/version.ts";
import { decodePatch } from "../../core/patch/patch.ts";
import { applyDeltaStep } from "../../core/tensors/delta-step.ts";
import { encodeCheckpoint } from "../../core/tensors/manifest.ts";
import { openBackend } from "../../kernels/backend.ts";
import { tinyModel } from "../fixtures/tiny-model.ts";
import { WASM_FOLDER } from "../fixtures/wasm-folder.ts";
import { type CommunityOptions, type CommunityResult, runCommunity } from "./community.ts";
import { loadModel, type SimModel } from "./sim-model.ts";

const options: CommunityOptions = {
  volunteers: 4,
  versions: 4,
  liars: 0,
  attack: "sign-flip",
  stale: 0.3,
  without: new Set(),
  seed: "sim test",
};

let model: SimModel;
let honest: CommunityResult;
const silent = () => {};

beforeAll(async () => {
  await openBackend({ prefer: "cpu", wasmFolder: WASM_FOLDER });
  model = await loadModel(tinyModel());
  honest = await runCommunity(model, options, silent);
});

test("a community improves its model", () => {
  expect(honest.head.record.number).toBeGreaterThan(1);
  expect(honest.head.record.evaluation.report.accuracy).toBeGreaterThan(honest.baseAccuracy);
});

test("the same seed gives the same history, another seed another one", async () => {
  const again = await runCommunity(model, options, silent);
  expect(again.head.id).toBe(honest.head.id);
  expect(again.head.record.checkpoint).toBe(honest.head.record.checkpoint);
  const other = await runCommunity(model, { ...options, versions: 1, seed: "another" }, silent);
  expect(other.head.record.checkpoint).not.toBe(honest.history[1]?.record.checkpoint);
});

test("V6: anyone verifies the history and replays it to the same checkpoints, stale work included", async () => {
  let parent: VerifiedVersion | null = null;
  const contributions = new Map<string, "merged" | "reverted">();
  let parameters = model.base;
  const patches = new Map(
    Array.from(honest.merged, ([id, { bytes, work }]) => {
      const patch = decodePatch(bytes, model.layout, work.positions);
      return [id, { patch, positions: work.positions }];
    }),
  );
  const bases = new Set<number>();
  for (const version of honest.history) {
    const verdict = await verifyVersion(
      version,
      parent,
      honest.head.record.relayKey,
      contributions,
    );
    expect(verdict).toMatchObject({ ok: true });
    if (!verdict.ok) return;
    parent = verdict.version;
    followContributions(contributions, version.record);
    const { record } = version;
    if (record.merge !== null) {
      const step = replayVersion(model.layout, parameters, record, patches);
      parameters = applyDeltaStep(parameters, { ...step, size: model.layout.size });
      for (const { base } of record.merge.inputs) bases.add(record.number - 1 - base);
    }
    expect((await encodeCheckpoint(model.layout, parameters)).id).toBe(record.checkpoint);
  }
  expect(bases.has(0)).toBe(true);
  expect(bases.has(1)).toBe(true); // some work was one version behind
});

test("a quarter of sign-flippers is refused and does not stop progress", async () => {
  const attacked = await runCommunity(model, { ...options, volunteers: 8, liars: 0.25 }, silent);
  const liarsMerged = attacked.rounds.reduce((sum, round) => sum + round.liarsMerged, 0);
  const honestRefused = attacked.rounds.reduce((sum, round) => sum + round.honestRefused, 0);
  expect(liarsMerged).toBe(0);
  expect(honestRefused).toBe(0);
  expect(attacked.head.record.evaluation.report.accuracy).toBeGreaterThan(attacked.baseAccuracy);
});
