import { expect, test } from "vitest";
import { tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import type { ServedModel } from "../context.ts";
import { createEvaluationJobs } from "./evaluation-jobs.ts";

test("J7: a candidate's step is written down once for all pieces that it is tested on, and another's by itself", async () => {
  const models = new Map([["tiny", { recipe: tinyRecipe, layout: { size: 172 } } as ServedModel]]);
  const cut = async () => ({ bytes: Uint8Array.of(1), count: 1, answers: 1 });
  const { jobOf } = createEvaluationJobs({ models, evaluator: { cut } });
  const task = { model: "tiny", set: "gate", checkpoint: "00".repeat(32) } as const;
  const step = (value: number) => ({
    positions: Uint32Array.of(1),
    values: Float32Array.of(value),
  });
  const candidate = step(1);
  const stepFile = async (change: typeof candidate, piece: number) => {
    const { job, inputs } = await jobOf({ ...task, range: [piece, piece + 1], step: change }, 3);
    return job.work.kind === "evaluate" ? inputs.get(job.work.step!) : undefined;
  };
  const first = await stepFile(candidate, 0);
  expect(first).toBeInstanceOf(Uint8Array);
  expect(await stepFile(candidate, 1)).toBe(first);
  const other = step(3);
  const [one, two] = await Promise.all([stepFile(other, 0), stepFile(other, 1)]);
  expect(one).toBe(two);
  expect(await stepFile(step(2), 1)).not.toEqual(first);
  expect(await stepFile(candidate, 2)).toBe(first);
});
