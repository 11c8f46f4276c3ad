import { expect, test } from "vitest";
import { header } from "../../tests/fixtures/golden-patches.ts";
import { quantise, segmentStarts } from "../patch/quantiser.ts";
import { randomPositions } from "../patch/random-mask.ts";
import type { MergeInputRecord, VersionRecord } from "../protocol/schemas/version.ts";
import { applyDeltaStep } from "../tensors/delta-step.ts";
import { createLayout } from "../tensors/layout.ts";
import { nameCheckpoint } from "../tensors/manifest.ts";
import { type ReplayPatch, replayVersion } from "./replay.ts";
import { replayHistory } from "./replay-history.ts";

const layout = createLayout([
  { name: "b", shape: [100] },
  { name: "w", shape: [100, 9] },
]);
const parameters = Float32Array.from({ length: layout.size }, (_, i) => i / 1000);

function patchOf(seed: number, positions: Uint32Array): ReplayPatch {
  const delta = Float32Array.from(positions, (position) => ((position * seed) % 17) / 100 - 0.08);
  const quantised = quantise(delta, segmentStarts(layout, positions));
  return { patch: { header, ...quantised, positions: null, fisher: null }, positions };
}

const current = randomPositions("00".repeat(16), 200, layout.size);
const earlier = randomPositions("01".repeat(16), 200, layout.size);
const patches = new Map([
  ["aa", patchOf(3, current)],
  ["bb", patchOf(5, current)],
  ["cc", patchOf(7, earlier)],
  ["dd", patchOf(11, earlier)],
]);
const input = (contribution: string, multiplier: number): MergeInputRecord => {
  return { contribution, contributor: "", signature: "", base: 0, multiplier };
};
const record: VersionRecord = {
  format: "commonweight.version/1",
  model: "digits",
  number: 1,
  parent: "00".repeat(32),
  createdAt: 0,
  relayKey: "11".repeat(32),
  checkpoint: "22".repeat(32),
  mask: { kind: "random", seed: "00".repeat(16), count: 200 },
  merge: {
    rule: "mean",
    outerStep: 0.7,
    denominator: "4096*coverage",
    inputs: [input("aa", 4096), input("bb", 1000), input("cc", 2048)],
  },
  evaluation: { report: { examples: 1, lossNats: 1, accuracy: 0 }, gate: null },
};

// From tests/golden/formats.py, a second implementation.
test("V6: replaying a recorded merge gives the golden checkpoint, bit for bit", async () => {
  const next = applyDeltaStep(parameters, replayVersion(layout, parameters, record, patches));
  expect((await nameCheckpoint(layout, next)).id).toBe(
    "a95dacd754c91423ab76d0b570fd19cb3c7db2c5f6c87ad74ade29d5902d52df",
  );
});

// From tests/golden/formats.py, a second implementation.
test("G21: replaying a merge that was published in four bits gives the golden checkpoint, bit for bit", async () => {
  const merge = { ...record.merge!, step: "4-bit" } as const;
  const step = replayVersion(layout, parameters, { ...record, merge }, patches);
  expect((await nameCheckpoint(layout, applyDeltaStep(parameters, step))).id).toBe(
    "3adb61aafb3a73ffce19d07092c13b421563a51c53fb8968506f8b78fdf9f00a",
  );
});

// From tests/golden/formats.py, a second implementation.
test("G15: replaying a merge by Fisher weights gives the golden checkpoint, bit for bit", async () => {
  const weighted = (seed: number, positions: Uint32Array): ReplayPatch => {
    const { patch } = patchOf(seed, positions);
    const fisher = Uint8Array.from(positions, (position) => (position * seed) % 256);
    return { patch: { ...patch, fisher }, positions };
  };
  const weightedPatches = new Map([
    ["aa", weighted(3, current)],
    ["bb", weighted(5, current)],
    ["cc", patchOf(7, earlier)], // without weights
    ["dd", weighted(13, current)],
  ]);
  const inputs = [input("aa", 4096), input("bb", 1000), input("cc", 2048), input("dd", 3000)];
  const merge = { rule: "fisher", outerStep: 0.7, denominator: "4096*fisher", inputs } as const;
  const step = replayVersion(layout, parameters, { ...record, merge }, weightedPatches);
  const next = applyDeltaStep(parameters, step);
  expect((await nameCheckpoint(layout, next)).id).toBe(
    "e5787dc73f74f86d08b77e4367a0408f45a235acdfdec3cf2a808fb1c50bc723",
  );
});

// From tests/golden/formats.py, a second implementation.
test("V7: a revert of one patch of an earlier merge gives the golden checkpoint, bit for bit", async () => {
  const merge = { ...record.merge!, inputs: [input("dd", 3000)] };
  const second: VersionRecord = { ...record, number: 2, merge };
  const third: VersionRecord = {
    ...record,
    number: 3,
    merge: null,
    revert: { contributions: ["bb"] },
  };
  const records = [record, second, third];
  const struck = new Set(["bb"]);
  const patchesOf = async () => patches;
  const replayed = await replayHistory({ layout, parameters, records, struck, patchesOf });
  expect((await nameCheckpoint(layout, replayed)).id).toBe(
    "d99390c692268400e5594d0f845c11194987961aed347fdb2d1ff82d5abfb6fd",
  );
});

test("V6: the order in which patches are at hand does not matter, nor whether masks share an array", () => {
  const reversed = new Map([...patches].reverse());
  const apart = new Map(
    [...patches].map(([id, { patch, positions }]) => [id, { patch, positions: positions.slice() }]),
  );
  const replayed = replayVersion(layout, parameters, record, patches);
  expect(replayVersion(layout, parameters, record, reversed)).toEqual(replayed);
  expect(replayVersion(layout, parameters, record, apart)).toEqual(replayed);
});

test("V6: only positions of the masks change", () => {
  const { positions } = replayVersion(layout, parameters, record, patches);
  expect(new Set(positions)).toEqual(new Set([...current, ...earlier]));
});

test("a merge without its patches, and version 0, are our bug", () => {
  expect(() => replayVersion(layout, parameters, record, new Map())).toThrow("internal");
  expect(() => replayVersion(layout, parameters, { ...record, merge: null }, patches)).toThrow(
    "internal",
  );
});
