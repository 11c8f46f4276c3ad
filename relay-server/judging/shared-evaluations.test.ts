import { expect, test } from "vitest";
import type { JobWork } from "../../core/protocol/schemas/judging.ts";
import { createRandom } from "../../core/random.ts";
import { type Evaluation, pickEvaluation } from "../../core/training/metrics.ts";
import { tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import type { ServedModel } from "../context.ts";
import type { EvaluationTask } from "../threads/evaluation-thread.ts";
import { createEvaluationJobs } from "./evaluation-jobs.ts";
import { createEvaluationSharing } from "./shared-evaluations.ts";

const COUNT = 64;
const ALL = Uint32Array.from({ length: COUNT }, (_, i) => i);
const truth: Evaluation = {
  losses: Float32Array.from({ length: COUNT }, (_, i) => 1 + i / COUNT),
  correct: new Float32Array(COUNT).fill(1),
  answers: new Uint8Array(COUNT).fill(1),
};
const parent: EvaluationTask = {
  model: "tiny",
  set: "gate",
  range: [COUNT, 2 * COUNT],
  checkpoint: "00".repeat(32),
  step: null,
};
const candidate = {
  ...parent,
  step: { positions: Uint32Array.of(1), values: Float32Array.of(1) },
};

/** One judge that answers with `answer`, or nobody; what the relay evaluated itself, and which offers there were. */
function share(answer: Evaluation | null, lot = () => 0.5) {
  const own: number[][] = [];
  const offers: JobWork[] = [];
  const lies: string[] = [];
  const models = new Map([["tiny", { recipe: tinyRecipe, layout: { size: 172 } } as ServedModel]]);
  const cut = async ({ range: [from, to] }: Pick<EvaluationTask, "range">) => {
    return { bytes: Uint8Array.of(from, to), count: to - from, answers: 1 };
  };
  const sharing = createEvaluationSharing({
    jobs: {
      isAnybodyFree: () => answer !== null,
      offer: async ({ work }) => {
        offers.push(work);
        if (answer === null) return null;
        return { judge: "a", judgement: { kind: "evaluate" as const, ...answer } };
      },
    },
    evaluator: {
      evaluate: async ({ range, rows }) => {
        expect(range).toEqual(parent.range);
        own.push([...(rows ?? ALL)]);
        return pickEvaluation(truth, rows ?? ALL);
      },
    },
    evaluationJobs: createEvaluationJobs({ models, evaluator: { cut } }),
    lot,
    onLie: async (judge) => void lies.push(judge),
  });
  return { sharing, own, offers, lies };
}

test("J2: where no judge is there, the relay evaluates itself", async () => {
  const { sharing, own, offers } = share(null);
  const decision = sharing.begin();
  expect((await decision.evaluate(candidate, 3)).losses).toEqual(truth.losses);
  expect([own, offers]).toEqual([[[...ALL]], []]);
  expect(decision.isToRepeat(true)).toBe(false);
});

test("J5: of each evaluation the relay does sixteen examples or a sixteenth again, each drawn by a lot after the answer", async () => {
  let lots = 0;
  const { sharing, own, offers, lies } = share(truth, () => {
    expect(offers).toHaveLength(1);
    return lots++ / 16;
  });
  const decision = sharing.begin();
  expect((await decision.evaluate(candidate, 3)).losses).toEqual(truth.losses);
  expect([own.length, own[0]?.length, lots]).toEqual([1, 16, 16]);
  expect(lies).toEqual([]);
  expect([decision.isToRepeat(false), decision.isToRepeat(true)]).toEqual([false, true]);
});

test("J5: a judge that lies about one half or one quarter of the examples, which lie together, is found in its first answer", async () => {
  const random = createRandom("half a lie");
  const found = { half: 0, quarter: 0 };
  for (let i = 0; i < 100; i++) {
    for (const [name, until] of [
      ["half", COUNT / 2],
      ["quarter", COUNT / 4],
    ] as const) {
      const losses = truth.losses.map((loss, row) => (row < until ? loss / 2 : loss));
      const { sharing, lies } = share({ ...truth, losses }, () => random.uint32() / 2 ** 32);
      await sharing.begin().evaluate(candidate, 3);
      found[name] += lies.length;
    }
  }
  expect(found.half).toBe(100);
  expect(found.quarter).toBeGreaterThan(95);
});

test.each([
  ["losses", { losses: truth.losses.map((loss) => loss + 0.01) }],
  ["losses without end", { losses: truth.losses.map(() => Number.POSITIVE_INFINITY) }],
  ["wrong answers", { answers: new Uint8Array(COUNT) }],
  ["a wrong share of right answers", { correct: new Float32Array(COUNT) }],
])(
  "J5: a judge that says %s lies: the relay does it all itself, and decides again",
  async (_, wrong) => {
    const { sharing, own, lies } = share({ ...truth, ...wrong });
    const decision = sharing.begin();
    const { losses, answers } = await decision.evaluate(candidate, 3);
    expect([losses, answers]).toEqual([truth.losses, truth.answers]);
    expect(own.at(-1)).toEqual([...ALL]);
    expect(lies).toEqual(["a"]);
    expect(decision.isToRepeat(false)).toBe(true);
  },
);

test("J6: what a judge said of a version is asked once, and anew once the judge is dismissed", async () => {
  const { sharing, offers } = share(truth);
  for (let i = 0; i < 2; i++) {
    const decision = sharing.begin();
    await decision.evaluate(parent, 3);
    expect(decision.isToRepeat(true)).toBe(true);
  }
  expect(offers).toHaveLength(1);
  sharing.forget("a");
  await sharing.begin().evaluate(parent, 3);
  expect(offers).toHaveLength(2);
});

test("J7: a job names its examples, and a candidate's step, by what they hash to", async () => {
  const { sharing, offers } = share(truth);
  await sharing.begin().evaluate(candidate, 3);
  await sharing.begin().evaluate(parent, 3);
  const hash = expect.stringMatching(/^[0-9a-f]{64}$/);
  const examples = { sha256: hash, count: COUNT, answers: 1 };
  expect(offers).toEqual([
    { kind: "evaluate", step: hash, examples },
    { kind: "evaluate", step: null, examples },
  ]);
});
