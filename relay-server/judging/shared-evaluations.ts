import { LRUCache } from "lru-cache";
import { assert } from "../../core/errors.ts";
import { drawChecked, isSameEvaluation } from "../../core/gate/judgement-check.ts";
import { MAX_JUDGEMENT_BYTES } from "../../core/protocol/limits.ts";
import { type Evaluation, pickEvaluation } from "../../core/training/metrics.ts";
import type { Evaluations } from "../merging/judge.ts";
import type { EvaluationTask } from "../threads/evaluation-thread.ts";
import type { Evaluator } from "../threads/open-evaluator.ts";
import { type EvaluationJobs, nameOfPiece } from "./evaluation-jobs.ts";
import type { Jobs } from "./jobs.ts";
import type { Jury } from "./juries.ts";
import type { OnLie } from "./shared-work.ts";

/** Evaluations for one decision. */
export type SharedEvaluations = Evaluations & {
  /** Whether the relay is to decide again by itself: it has found a lie among them, or refuses somebody by others' word. */
  isToRepeat(isRefusal: boolean): boolean;
};

/** Evaluations that others do: a jury of volunteers, judges on other machines, and the relay's thread where there is neither. */
export type EvaluationSharing = {
  /** For one decision, for which `jury` sits if there is one. */
  begin(jury?: Jury | null): SharedEvaluations;
  /** What this judge found is found out anew when it is asked for. */
  forget(judge: string): void;
};

type SharingParts = {
  readonly jobs: Pick<Jobs, "offer" | "isAnybodyFree">;
  readonly evaluator: Pick<Evaluator, "evaluate">;
  readonly evaluationJobs: EvaluationJobs;
  /** In [0, 1), and nobody outside can tell it. */
  readonly lot: () => number;
  readonly onLie: OnLie;
};

/** What a judge answered. */
type JudgeWord = { readonly judge: string; readonly evaluation: Evaluation };

const KEPT_EVALUATIONS = 128; // of unchanged versions: every candidate is compared with the same

export function createEvaluationSharing(parts: SharingParts): EvaluationSharing {
  const { jobs, evaluator, evaluationJobs, lot, onLie } = parts;
  const known = new LRUCache<string, JudgeWord>({ max: KEPT_EVALUATIONS });

  /** What a judge answered; null where none takes the job, "lie" where it is not so. */
  async function askJudges(
    task: EvaluationTask,
    version: number,
  ): Promise<JudgeWord | "lie" | null> {
    const { job, inputs, answerBytes } = await evaluationJobs.jobOf(task, version);
    if (answerBytes > MAX_JUDGEMENT_BYTES / 2) return null;
    const answered = await jobs.offer(job, inputs);
    if (answered === null) return null;
    const { judge, judgement } = answered;
    assert(judgement.kind === "evaluate", "an evaluation was asked for");
    if (await isTrue(task, judgement)) return { judge, evaluation: judgement };
    const what = `the relay did a part of a job of ${task.model} again: the judge evaluated otherwise`;
    await onLie(judge, what);
    return "lie";
  }

  /** Whether the relay comes to the same on a few of the examples, drawn after the answer. */
  async function isTrue(task: EvaluationTask, sent: Evaluation): Promise<boolean> {
    const rows = drawChecked(sent.losses.length, lot);
    const own = await evaluator.evaluate({ ...task, rows });
    return isSameEvaluation(pickEvaluation(sent, rows), own);
  }

  return {
    begin(jury = null) {
      let isOthersWord = false;
      let hasLie = false;

      async function byJudge(task: EvaluationTask, version: number): Promise<Evaluation | null> {
        const name = task.step === null ? `${nameOfPiece(task)} ${task.checkpoint}` : null;
        const before = name === null ? undefined : known.get(name);
        const isAsked = typeof task.set === "string" && jobs.isAnybodyFree();
        const word = before ?? (isAsked ? await askJudges(task, version) : null);
        if (word === "lie") hasLie = true;
        if (word === null || word === "lie") return null;
        isOthersWord = true;
        if (name !== null) known.set(name, word);
        return word.evaluation;
      }

      return {
        isToRepeat: (isRefusal) => hasLie || (isOthersWord && isRefusal),
        async evaluate(task, version) {
          if (jury?.covers(task)) {
            const { evaluation, isByJury, hasLiar } = await jury.evaluate(task, version);
            if (isByJury) isOthersWord = true;
            if (hasLiar) hasLie = true;
            return evaluation;
          }
          return (await byJudge(task, version)) ?? evaluator.evaluate(task);
        },
      };
    },
    forget(judge) {
      for (const [name, { judge: by }] of [...known.entries()])
        if (by === judge) known.delete(name);
    },
  };
}
