import { beforeAll, describe, expect, test } from "vitest";
import { openBackend } from "../../kernels/backend.ts";
import { openCpu } from "../../kernels/cpu/backend.ts";
import { similarityOf, smallTask } from "../../tests/fixtures/training-task.ts";
import { gptTask } from "../../tests/reference/gpt-task.ts";
import { chooseOwnMask, estimateOwnFisher } from "../training/own-mask.ts";
import { type TrainingTask, trainDelta } from "../training/train.ts";
import {
  isOwnMask,
  isSameWork,
  maskShareOf,
  needsSpotCheck,
  validateSpotCheck,
} from "./spot-check.ts";

const TASKS: [string, TrainingTask][] = [
  ["an MLP", smallTask({ steps: 50 })],
  ["a GPT", gptTask()],
];

describe.each(TASKS)("G19: %s", (_, task) => {
  let again: Float32Array;
  const compare = (delta: Float32Array) => similarityOf(task, delta, again);
  const withSteps = (steps: number) =>
    trainDelta({ ...task, training: { ...task.training, steps } });

  beforeAll(async () => {
    await openBackend({ prefer: "cpu" });
    again = (await trainDelta(task)).delta;
  });

  test("trained on wasm and in plain TypeScript is the same work", async () => {
    await openCpu();
    const { delta } = await trainDelta(task);
    await openBackend({ prefer: "cpu" });
    expect(compare(delta).cosine).toBeGreaterThan(0.9995);
    expect(isSameWork(compare(delta))).toBe(true);
  });

  test("half of the steps is noticed, whether doubled, drawn out to the full length or as it is", async () => {
    const { delta } = await withSteps(task.training.steps / 2);
    expect(isSameWork(compare(delta))).toBe(false);
    expect(isSameWork(compare(delta.map((value) => 2 * value)))).toBe(false);
    const { normRatio } = compare(delta);
    const drawnOut = compare(delta.map((value) => value / normRatio));
    expect(drawnOut.normRatio).toBeCloseTo(1, 2);
    expect(isSameWork(drawnOut)).toBe(false);
  });

  test("another order of the examples is noticed", async () => {
    const { delta } = await trainDelta({ ...task, seed: task.seed + 1 });
    expect(isSameWork(compare(delta))).toBe(false);
  });

  test("nothing is never the same work", () => {
    const nothing = new Float32Array(again.length);
    expect(isSameWork(similarityOf(task, nothing, again))).toBe(false);
    expect(isSameWork(similarityOf(task, again, nothing))).toBe(false);
    expect(isSameWork(similarityOf(task, nothing, nothing))).toBe(false);
    expect(isSameWork({ cosine: Number.NaN, normRatio: Number.NaN })).toBe(false);
  });
});

const policy = { examples: 24, damping: 0, outputShare: 0.1, vectorShare: 0.05, tensorCap: 0.5 };

describe.each(TASKS)("G19: the own mask of %s", (_, task) => {
  const choose = async (changes: Partial<TrainingTask> = {}) => {
    const changed = { ...task, ...changes };
    const fisher = await estimateOwnFisher(changed, policy);
    return chooseOwnMask(changed, policy, { fisher, count: 300 });
  };
  let again: Uint32Array;
  beforeAll(async () => {
    await openBackend({ prefer: "cpu" });
    again = await choose();
  });

  test("chosen on wasm and in plain TypeScript is the ticket's", async () => {
    await openCpu();
    const plain = await choose();
    await openBackend({ prefer: "cpu" });
    expect(isOwnMask(maskShareOf(plain, again))).toBe(true);
  });

  test("by another seed, with positions left out, or with a few of another's choice is not", async () => {
    const other = await choose({ seed: task.seed + 1 });
    expect(isOwnMask(maskShareOf(other, again))).toBe(false);
    expect(isOwnMask(maskShareOf(again.slice(0, 290), again))).toBe(false);
    const taken = new Set(again);
    const free = Uint32Array.from({ length: task.parameters.length }, (_, i) => i)
      .filter((position) => !taken.has(position))
      .slice(0, 6);
    const chosen = Uint32Array.from([...again.slice(6), ...free]).sort();
    expect(maskShareOf(chosen, again)).toBeCloseTo(294 / 300);
    expect(isOwnMask(maskShareOf(chosen, again))).toBe(false);
    expect(maskShareOf(new Uint32Array(), again)).toBe(0);
  });
});

test("G19: another mask is told by a code of its own, and nothing that was not trained again passes", () => {
  const codeOf = (...found: Parameters<typeof validateSpotCheck>) => {
    const verdict = validateSpotCheck(...found);
    return verdict.ok ? "ok" : verdict.code;
  };
  const same = { cosine: 1, normRatio: 1 };
  expect(codeOf({ maskShare: null, similarity: same })).toBe("ok");
  expect(codeOf({ maskShare: 1, similarity: same })).toBe("ok");
  expect(codeOf({ maskShare: 0.5, similarity: null })).toBe("mask-mismatch");
  expect(codeOf({ maskShare: Number.NaN, similarity: same })).toBe("mask-mismatch");
  expect(codeOf({ maskShare: 1, similarity: null })).toBe("spot-check-failed");
  expect(codeOf({ maskShare: 1, similarity: { ...same, cosine: 0.9 } })).toBe("spot-check-failed");
});

test("G19: a share of the work is checked, and all of who failed a check before; none where the recipe has no checks", () => {
  const share = { spotCheckShare: 0.2 };
  expect(needsSpotCheck({ hasFailed: false }, share, 0.19)).toBe(true);
  expect(needsSpotCheck({ hasFailed: false }, share, 0.2)).toBe(false);
  expect(needsSpotCheck({ hasFailed: true }, share, 0.99)).toBe(true);
  expect(needsSpotCheck({ hasFailed: true }, { spotCheckShare: 0 }, 0)).toBe(false);
});
