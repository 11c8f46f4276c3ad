import { beforeAll, expect, test } from "vitest";
import { openBackend } from "../../kernels/backend.ts";
import { tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import { smallTask } from "../../tests/fixtures/training-task.ts";
import { gptTask } from "../../tests/reference/gpt-task.ts";
import { layoutOf } from "../models/registry.ts";
import { estimateFisher } from "./fisher.ts";
import { chooseMask, type FisherPolicy } from "./mask-choice.ts";
import { chooseOwnMask, estimateOwnFisher, preparePieceMask } from "./own-mask.ts";

const policy: FisherPolicy = {
  examples: 24,
  damping: 1,
  outputShare: 0.2,
  vectorShare: 0.1,
  tensorCap: 0.5,
};
beforeAll(() => openBackend({ prefer: "cpu" }));

/** How many of the positions lie in each tensor. */
function entriesOf(task: ReturnType<typeof smallTask | typeof gptTask>, positions: Uint32Array) {
  const { tensors } = layoutOf(task.architecture);
  return tensors.map(({ name, shape, offset, size }) => {
    const inside = positions.filter((p) => p >= offset && p < offset + size).length;
    return { name, isVector: shape.length === 1, inside, size };
  });
}

test.each([
  ["an MLP", smallTask(), /^layers\.2\./],
  ["a GPT", gptTask(), /^wte\.weight$/],
])(
  "M8: an own mask of %s keeps the policy's quotas and caps, and follows from the ticket",
  async (_, task, output) => {
    const fisher = await estimateOwnFisher(task, policy);
    const count = 200;
    const positions = chooseOwnMask(task, policy, { fisher, count });
    expect(positions.length).toBe(count);
    const entries = entriesOf(task, positions);
    const sum = (of: typeof entries) => of.reduce((all, { inside }) => all + inside, 0);
    const outputs = entries.filter(({ name }) => output.test(name));
    const vectors = entries.filter(({ name, isVector }) => isVector && !output.test(name));
    expect(sum(outputs)).toBeGreaterThanOrEqual(Math.floor(0.2 * count));
    expect(sum(vectors)).toBeGreaterThanOrEqual(Math.floor(0.1 * count));
    for (const { inside, size } of entries) expect(inside).toBeLessThanOrEqual(Math.ceil(size / 2));

    expect(chooseOwnMask(task, policy, { fisher, count })).toEqual(positions);
    const other = chooseOwnMask({ ...task, seed: task.seed + 1 }, policy, { fisher, count });
    expect(other).not.toEqual(positions);
  },
);

test("M8: where there are fewer examples than the policy wants, all of them count", async () => {
  const task = smallTask();
  const all = await estimateOwnFisher(task, { ...policy, examples: 1000 });
  const expected = await estimateFisher(task);
  for (let i = 0; i < all.length; i++) expect(all[i]).toBeCloseTo(expected[i]!, 5);
  const some = await estimateOwnFisher(task, policy);
  expect(some).not.toEqual(all);
});

test("M7: damping keeps out what the protected suite needs", () => {
  const { architecture } = smallTask();
  const { size } = layoutOf(architecture);
  const fisher = new Float32Array(size).fill(1);
  const protectedFisher = Float32Array.from({ length: size }, (_, i) => (i % 2 === 0 ? 1 : 0));
  const free = { ...policy, outputShare: 0, vectorShare: 0, tensorCap: 1, damping: 100 };
  const drawn = { architecture, fisher, count: 300, seed: "damped", policy: free };
  const share = (positions: Uint32Array) =>
    positions.filter((p) => p % 2 === 0).length / positions.length;
  const damped = chooseMask({ ...drawn, protectedFisher });
  expect(share(damped)).toBeLessThan(0.2);
  const undamped = chooseMask({ ...drawn, protectedFisher: null });
  expect(share(undamped)).toBeGreaterThan(0.4);
});

test.each([
  ["mean", null],
  ["mean", Uint32Array.of(1, 5, 7)],
  ["fisher", null],
  ["fisher", Uint32Array.of(1, 5, 7)],
] as const)(
  "M8: under %s, positions given %s, the Fisher information is what mask and merge need",
  async (rule, given) => {
    const task = smallTask();
    const recipe = {
      mask: { kind: "own", density: 0.1, epochVersions: 1, fisher: policy },
      merge: { ...tinyRecipe.merge, rule },
    } as const;
    const { positions, fisher } = await preparePieceMask(task, recipe, { given, count: 40 });
    const all = await estimateOwnFisher(task, policy);
    expect(positions).toEqual(given ?? chooseOwnMask(task, policy, { fisher: all, count: 40 }));
    const there = Float32Array.from(positions, (position) => all[position]!);
    expect(fisher).toEqual(rule === "fisher" ? there : null);
  },
);
