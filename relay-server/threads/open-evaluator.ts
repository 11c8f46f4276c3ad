import { assert } from "../../core/errors.ts";
import type { Member } from "../../core/merge/member.ts";
import type { QuantisedStep } from "../../core/merge/quantised-step.ts";
import type { NextCheckpoint } from "../../core/tensors/next-checkpoint.ts";
import type { ObjectsPlace } from "../content/open-objects.ts";
import type {
  EvaluatedModel,
  EvaluationThread,
  MergeTask,
  NextTask,
  SuiteToLoad,
} from "./evaluation-thread.ts";
import { keepThread } from "./lasting-thread.ts";

/** Runs models on held-out examples, merges and encodes, each model in a thread of its own, so that a slow one keeps no other waiting. */
export type Evaluator = {
  open(model: EvaluatedModel): Promise<void>;
  /** Whether a model's thread has the checkpoint; what is asked for stays longer. */
  has(model: string, checkpoint: string): Promise<boolean>;
  load(model: string, checkpoint: string, parameters: Float32Array): Promise<void>;
  /** Whether a model's thread has the contributed suite of that name; what is asked for stays longer. */
  hasSuite(model: string, name: string): Promise<boolean>;
  loadSuite(model: string, suite: SuiteToLoad): Promise<void>;
  evaluate: EvaluationThread["evaluate"];
  cut: EvaluationThread["cut"];
  /** Bring a cohort to a model's thread, in place of the last one; none, to free its memory. */
  loadCohort(model: string, members: readonly Member[]): Promise<void>;
  merge(model: string, task: MergeTask): Promise<QuantisedStep>;
  encodeNext(model: string, task: NextTask): Promise<NextCheckpoint>;
};

const IDLE_MS = 60 * 60_000; // judges beside the relay may test for long the cohort that it keeps meanwhile; then its memory is worth more than its start

/** The evaluation threads, each with its backend opened by the first evaluation; one that dies is replaced. Held-out sets lie at `place`. */
export function openEvaluator(place: ObjectsPlace): {
  evaluator: Evaluator;
  close(): Promise<void>;
} {
  const kept = new Map<string, ReturnType<typeof keepThread<EvaluationThread>>>();
  const threadOf = (model: string) => {
    const known = kept.get(model);
    assert(known !== undefined, `${model} is not open`);
    return known.thread;
  };
  const evaluator: Evaluator = {
    async open(model) {
      await kept.get(model.id)?.close(); // what is opened anew may lie elsewhere
      const thread = keepThread<EvaluationThread>(
        new URL("./evaluation-thread.ts", import.meta.url),
        (started) => started.open(model, place),
        IDLE_MS,
      );
      kept.set(model.id, thread);
    },
    has: async (model, checkpoint) => threadOf(model).has(checkpoint),
    load: async (model, checkpoint, parameters) => threadOf(model).load(checkpoint, parameters),
    hasSuite: async (model, name) => threadOf(model).hasSuite(name),
    loadSuite: async (model, suite) => threadOf(model).loadSuite(suite),
    evaluate: async (task) => threadOf(task.model).evaluate(task),
    cut: async (piece) => threadOf(piece.model).cut(piece),
    loadCohort: async (model, members) => threadOf(model).loadCohort(members),
    merge: async (model, task) => threadOf(model).merge(task),
    encodeNext: async (model, task) => threadOf(model).encodeNext(task),
  };
  return {
    evaluator,
    close: async () => void (await Promise.all([...kept.values()].map(({ close }) => close()))),
  };
}
