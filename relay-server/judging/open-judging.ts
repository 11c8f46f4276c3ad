import type { RelayContext } from "../context.ts";
import { drawLot } from "../merging/lots.ts";
import type { Evaluator } from "../threads/open-evaluator.ts";
import { createEvaluationJobs } from "./evaluation-jobs.ts";
import { createJobs } from "./jobs.ts";
import { createJuries } from "./juries.ts";
import { createJurors } from "./jurors.ts";
import { openTrainer } from "./open-trainer.ts";
import { createEvaluationSharing } from "./shared-evaluations.ts";
import { createSharedWork, type OnLie } from "./shared-work.ts";
import type { TrainerParts } from "./trainer.ts";

type JudgingParts = Omit<TrainerParts, "context" | "share"> & {
  readonly context: RelayContext;
  readonly evaluator: Evaluator;
  /** An id that nobody guesses. */
  readonly newId: () => string;
};

/** Who judges beside the relay's own threads: judges by leased jobs, and juries of volunteers. A judge that lies is dismissed; J11 says what a juror loses. */
export function openJudging({ newId, evaluator, ...parts }: JudgingParts) {
  const { context } = parts;
  const { clock, random, people, models } = context;
  const jobs = createJobs(clock, newId);
  const dismiss = (judge: string) => {
    jobs.dismiss(judge);
    trainer.forget(judge);
    evaluations.forget(judge);
  };
  const lot = () => drawLot(random);
  const onLie: OnLie = async (judge, reason) => {
    await people.dismissJudge({ judge, reason, maintainer: "the relay", at: clock() });
    dismiss(judge);
  };
  const share = createSharedWork({ jobs, lot, onLie });
  const evaluationJobs = createEvaluationJobs({ models, evaluator });
  const evaluations = createEvaluationSharing({ jobs, evaluator, evaluationJobs, lot, onLie });
  const jurors = createJurors(clock);
  const juryFor = createJuries({ context, jobs, jurors, evaluator, evaluationJobs, lot });
  const { trainer, close: closeTrainer } = openTrainer({ ...parts, share });
  return { jobs, jurors, dismiss, evaluations, juryFor, trainer, closeTrainer };
}
