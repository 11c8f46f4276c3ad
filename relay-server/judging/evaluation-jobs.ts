import { LRUCache } from "lru-cache";
import { sha256 } from "../../core/crypto/signature.ts";
import { assert } from "../../core/errors.ts";
import type { JobWork, JudgingJob } from "../../core/protocol/schemas/judging.ts";
import { type DeltaStep, encodeDeltaStep } from "../../core/tensors/delta-step.ts";
import type { RelayContext } from "../context.ts";
import type { CutExamples, EvaluationTask } from "../threads/evaluation-thread.ts";
import type { Evaluator } from "../threads/open-evaluator.ts";
import type { JobInputs } from "./jobs.ts";

/** An evaluation as a job, and the files that it names. */
export type EvaluationJob = {
  readonly job: Omit<JudgingJob, "id">;
  readonly inputs: JobInputs;
  readonly answerBytes: number;
};

/** Makes jobs of evaluations of the model's versions, by their numbers. */
export type EvaluationJobs = {
  jobOf(task: EvaluationTask, version: number): Promise<EvaluationJob>;
};

type File = CutExamples & { readonly sha256: string };
type StepFile = Pick<File, "bytes" | "sha256">;

const KEPT_FILES = 16; // of at most a few MiB: a version's contributions are judged on the same pieces

export function createEvaluationJobs({
  models,
  evaluator,
}: {
  readonly models: RelayContext["models"];
  readonly evaluator: Pick<Evaluator, "cut">;
}): EvaluationJobs {
  const files = new LRUCache<string, File>({ max: KEPT_FILES });
  const steps = new WeakMap<DeltaStep, Promise<StepFile>>(); // tens of MiB each, for as long as the step is judged

  async function fileOf(task: EvaluationTask): Promise<File> {
    const name = nameOfPiece(task);
    const kept = files.get(name);
    if (kept !== undefined) return kept;
    const cut = await evaluator.cut(task);
    const file = { ...cut, sha256: await sha256(cut.bytes) };
    files.set(name, file);
    return file;
  }

  function stepFileOf(step: DeltaStep, size: number): Promise<StepFile> {
    const kept = steps.get(step);
    if (kept !== undefined) return kept;
    const file = writeDown(step, size);
    steps.set(step, file);
    return file;
  }

  return {
    async jobOf(task, version) {
      const { model, checkpoint } = task;
      const served = models.get(model);
      assert(served !== undefined, `no model ${model}`);
      const { bytes: examples, sha256: hash, count, answers } = await fileOf(task);
      const inputs = new Map([[hash, examples]]);
      let step: string | null = null;
      if (task.step !== null) {
        const file = await stepFileOf(task.step, served.layout.size);
        step = file.sha256;
        inputs.set(step, file.bytes);
      }
      const work: JobWork = { kind: "evaluate", step, examples: { sha256: hash, count, answers } };
      const base = { number: version, checkpoint };
      const { architecture } = served.recipe;
      const answerBytes = count * (8 + answers);
      return { job: { model, architecture, base, work }, inputs, answerBytes };
    },
  };
}

async function writeDown(step: DeltaStep, size: number): Promise<StepFile> {
  const bytes = encodeDeltaStep(step, size);
  return { bytes, sha256: await sha256(bytes) };
}

/** What pieces of a model's suites are called. */
export function nameOfPiece({ model, set, range }: EvaluationTask): string {
  return `${model} ${typeof set === "string" ? set : set.suite} ${range}`;
}
