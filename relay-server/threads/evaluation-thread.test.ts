import { afterAll, beforeAll, expect, test } from "vitest";
import { mergeWeighted } from "../../core/merge/candidate.ts";
import type { Member } from "../../core/merge/member.ts";
import { layoutOf } from "../../core/models/registry.ts";
import { quantise, segmentStarts } from "../../core/patch/quantiser.ts";
import { createRandom } from "../../core/random.ts";
import { encodeNext } from "../../core/tensors/next-checkpoint.ts";
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
