import { afterAll, beforeAll, expect, test } from "vitest";
import { encodeSuiteFile } from "../../core/gate/suite-file.ts";
import { mergeWeighted } from "../../core/merge/candidate.ts";
import type { Member } from "../../core/merge/member.ts";
import { layoutOf } from "../../core/models/registry.ts";
import { quantise, segmentStarts } from "../../core/patch/quantiser.ts";
import { createRandom } from "../../core/random.ts";
import { encodeNext } from "../../core/tensors/next-checkpoint.ts";
import { pickEvaluation } from "../../core/training/metrics.ts";
import { tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import { openEvaluator } from "./open-evaluator.ts";

const layout = layoutOf(tinyRecipe.architecture);
const parameters = new Float32Array(layout.size).fill(0.25);
const positions = Uint32Array.from({ length: layout.size }, (_, i) => i);
const segments = segmentStarts(layout, positions);
const { evaluator, close } = openEvaluator({ kind: "folder", path: "unused", temporary: "unused" });
const { architecture, merge: rules } = tinyRecipe;

beforeAll(async () => {
  await evaluator.open({ id: "tiny", architecture, hashes: {} });
  await evaluator.load("tiny", "head", parameters);
});
afterAll(close);

function memberOf(id: string): Member {
  const random = createRandom(id);
  const delta = Float32Array.from(positions, () => random.below(2001) / 1000 - 1);
  const standing = { norm: 1, merges: 10, lag: 0, examples: 320 };
  return {
    ...{ id, contributor: id, positions, segments, fisher: null },
    ...quantise(delta, segments),
    ...standing,
  };
}

test("members that are merged in the thread, some or all of a cohort, come to what they come to here", async () => {
  const [a, b, c] = ["a", "b", "c"].map(memberOf);
  await evaluator.loadCohort("tiny", [a!, b!, c!]);
  const task = { checkpoint: "head", rules };
  const all = { members: ["a", "b", "c"], multipliers: [4096, 0, 100] };
  expect(await evaluator.merge("tiny", { ...task, ...all })).toEqual(
    mergeWeighted(parameters, [a!, b!, c!], all.multipliers, rules),
  );
  const part = { members: ["c", "a"], multipliers: [4096, 4096] };
  expect(await evaluator.merge("tiny", { ...task, ...part })).toEqual(
    mergeWeighted(parameters, [c!, a!], part.multipliers, rules),
  );
});

test("a cohort takes the place of the last one", async () => {
  await evaluator.loadCohort("tiny", [memberOf("old")]);
  await evaluator.loadCohort("tiny", [memberOf("new")]);
  const task = { checkpoint: "head", rules, members: ["old"], multipliers: [1] };
  await expect(evaluator.merge("tiny", task)).rejects.toThrow("old is not loaded");
});

test("a version that is encoded in the thread has the name and the step that it has here", async () => {
  const step = { positions: Uint32Array.of(3), values: Float32Array.of(0.5) };
  expect(await evaluator.encodeNext("tiny", { checkpoint: "head", layout, step })).toEqual(
    await encodeNext(layout, parameters, step),
  );
});

test("J5: rows that are evaluated by themselves come to what they come to among all", async () => {
  const count = 40;
  const random = createRandom("rows");
  const pixels = Uint8Array.from({ length: count * 16 }, () => random.below(256));
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 4);
  const header = {
    ...({ format: "commonweight.suite/1", model: "tiny", name: "rows" } as const),
    ...{ contributor: "ab".repeat(32), marginNats: 0.1 },
    ...{ reason: "A test", licence: "CC0-1.0", use: "A test" },
  };
  const bytes = encodeSuiteFile(header, { kind: "images", count, pixels, labels });
  await evaluator.loadSuite("tiny", { name: "rows", id: "00".repeat(32), bytes, setAside: [] });
  const varied = Float32Array.from(positions, () => random.below(2001) / 1000 - 1);
  await evaluator.load("tiny", "varied", varied);
  const step = { positions: Uint32Array.of(3), values: Float32Array.of(0.5) };
  const rows = Uint32Array.of(0, 7, 8, 29);
  for (const change of [step, null, null]) {
    const task = { model: "tiny", set: { suite: "rows" }, range: [10, 40], step: change } as const;
    const some = await evaluator.evaluate({ ...task, checkpoint: "varied", rows });
    const all = await evaluator.evaluate({ ...task, checkpoint: "varied" });
    expect(new Set(all.losses).size).toBeGreaterThan(20);
    expect(some.answers).toEqual(pickEvaluation(all, rows).answers);
    for (const [i, loss] of pickEvaluation(all, rows).losses.entries())
      expect(some.losses[i]).toBeCloseTo(loss, 5);
  }
});
