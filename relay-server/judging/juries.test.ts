import { expect, test } from "vitest";
import { type Evaluation, pickEvaluation } from "../../core/training/metrics.ts";
import type { Head } from "../history/head.ts";
import type { JurorFound } from "../store/sql/jurors.ts";
import type { EvaluationTask } from "../threads/evaluation-thread.ts";
import { createJuries, type JuryParts } from "./juries.ts";

const EXAMPLES = 64;
const jurors = ["a", "b", "c"].map((name) => ({ contributor: name, network: name }));
const evaluationOf = (losses: Float32Array): Evaluation => ({
  losses,
  correct: losses.map(() => 0),
  answers: new Uint8Array(EXAMPLES),
});
const truth = evaluationOf(new Float32Array(EXAMPLES).fill(1));
const head = {
  model: "tiny",
  number: 4,
  checkpoint: "head",
  record: { parent: "before" },
  recipe: { gate: { jury: 3, marginNats: 0.06 } },
  packets: {
    suites: [{ suite: "gate", packetExamples: EXAMPLES, packets: ["p", "q"], reserveExamples: 9 }],
    opened: { gate: 0 },
    spent: { gate: 0 },
  },
} as unknown as Head; // what a jury reads of it
const parent: EvaluationTask = {
  model: "tiny",
  set: "gate",
  range: [0, EXAMPLES],
  checkpoint: "head",
  step: null,
};
const candidate = { ...parent, step: {} } as EvaluationTask;

/** A jury that says this of the head and of a candidate, which is in truth as the head is. */
async function sit(said: { readonly parent: Evaluation; readonly candidate: Evaluation }) {
  const found: JurorFound[] = [];
  const looks: EvaluationTask[] = [];
  const parts = {
    context: {
      clock: () => 0,
      history: { noteShown: async () => {} },
      referenceSeeds: { seedOf: async () => "secret" },
      contributions: {
        noteJury: async (_: string, more: readonly JurorFound[]) => void found.push(...more),
      },
    },
    jobs: {
      vacate: () => {},
      offerSeat: async ({ of }: { of: "parent" | "candidate" }, _: unknown, judge: string) => ({
        judge,
        judgement: { kind: "evaluate", ...said[of] },
      }),
    },
    jurors: { present: () => jurors, leave: () => {}, note: () => {} },
    evaluator: {
      async evaluate(task: EvaluationTask) {
        looks.push(task);
        return task.rows ? pickEvaluation(truth, task.rows) : truth;
      },
    },
    evaluationJobs: {
      jobOf: async ({ step }: EvaluationTask) => ({
        job: { of: step === null ? "parent" : "candidate" },
        inputs: new Map(),
      }),
    },
    lot: () => 0.99, // nothing is planted, and the plain look goes to the last examples
  } as unknown as JuryParts; // what a jury asks of them
  const jury = (await createJuries(parts)(head, []))!;
  return { jury, found, looks };
}

test("J10: jurors who say alike that the head was bad on a few examples are found where the candidate gained", async () => {
  const lie = evaluationOf(truth.losses.map((loss, row) => (row < 3 ? loss + 3 : loss)));
  const { jury, found, looks } = await sit({ parent: lie, candidate: truth });
  expect(await jury.evaluate(candidate, 4)).toMatchObject({ isByJury: true, hasLiar: true });
  const settled = await jury.evaluate(parent, 4);
  expect(settled).toMatchObject({ isByJury: false, hasLiar: true });
  expect(settled.evaluation).toBe(truth);
  const liars = found.filter(({ isLie }) => isLie).map(({ contributor }) => contributor);
  expect(liars.sort()).toEqual(["a", "b", "c"]);
  const before = looks.length;
  await jury.evaluate(parent, 4);
  expect(looks).toHaveLength(before);
});

test("J10: of a candidate the relay looks at the plain sixteen and at sixteen more, and of the head at those as well", async () => {
  const { jury, found, looks } = await sit({ parent: truth, candidate: truth });
  expect(await jury.evaluate(candidate, 4)).toMatchObject({ isByJury: true, hasLiar: false });
  const lookedAt = looks.map(({ step, rows }) => [
    step === null ? "head" : "candidate",
    rows?.length,
  ]);
  expect(lookedAt).toEqual([
    ["head", 16],
    ["candidate", 32],
    ["head", 16],
  ]);
  expect(found.filter(({ isLie }) => isLie)).toEqual([]);
});
