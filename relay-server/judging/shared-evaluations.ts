import { sha256 } from "../../core/crypto/signature.ts";
import { assert } from "../../core/errors.ts";
import { isSameJudgement } from "../../core/gate/judgement-check.ts";
import { MAX_JUDGEMENT_BYTES } from "../../core/protocol/limits.ts";
import type { JobWork } from "../../core/protocol/schemas/judging.ts";
import { encodeDeltaStep } from "../../core/tensors/delta-step.ts";
import { type Evaluation, sliceEvaluation } from "../../core/training/metrics.ts";
import type { RelayContext } from "../context.ts";
import type { Evaluations } from "../merging/judge.ts";
import type { CutExamples, EvaluationTask } from "../threads/evaluation-thread.ts";
import { keepNewest } from "../threads/keep-newest.ts";
import type { Evaluator } from "../threads/open-evaluator.ts";
import type { Answered, JobInputs, Jobs } from "./jobs.ts";
import type { OnLie } from "./shared-work.ts";

/** Evaluations for one decision. */
export type SharedEvaluations = Evaluations & {
  /** Whether the relay is to decide again by itself: it has found a lie among them, or refuses somebody by a judge's word. */
  isToRepeat(isRefusal: boolean): boolean;
};

/** Evaluations that judges on other machines do where any is there, and the relay's thread where none is. */
export type EvaluationSharing = {
  /** For one decision. */
  begin(): SharedEvaluations;
  /** What this judge found is found out anew when it is asked for. */
  forget(judge: string): void;
};

type SharingParts = {
  readonly jobs: Pick<Jobs, "offer" | "isAnybodyThere">;
  readonly evaluator: Pick<Evaluator, "evaluate" | "cut">;
  readonly models: RelayContext["models"];
  /** In [0, 1), and nobody outside can tell it. */
  readonly lot: () => number;
  readonly onLie: OnLie;
};

type File = CutExamples & { readonly sha256: string };

const CHECKED_SHARE = 1 / 16; // of an answer's examples, which the relay evaluates too
const LEAST_CHECKED = 8; // examples of an answer: of a lie about half of them, one in 256 goes unseen
const KEPT_FILES = 16; // of at most a few MiB: a version's contributions are judged on the same pieces
const KEPT_EVALUATIONS = 128; // of unchanged versions: every candidate is compared with the same

export function createEvaluationSharing(parts: SharingParts): EvaluationSharing {
  const { jobs, evaluator, models, onLie } = parts;
  const files = new Map<string, File>();
  const known = new Map<string, { readonly judge: string; readonly evaluation: Evaluation }>();

  async function fileOf(task: EvaluationTask): Promise<File> {
    const name = nameOf(task);
    const kept = files.get(name);
    if (kept !== undefined) return kept;
    const cut = await evaluator.cut(task);
    const file = { ...cut, sha256: await sha256(cut.bytes) };
    keepNewest(files, name, file, KEPT_FILES);
    return file;
  }

  /** What a judge answered; null where none takes the job, "lie" where it is not so. */
  async function askJudges(
    task: EvaluationTask,
    version: number,
  ): Promise<Answered | "lie" | null> {
    const served = models.get(task.model);
    assert(served !== undefined, `no model ${task.model}`);
    const { bytes: examples, sha256: hash, count, answers } = await fileOf(task);
    if (count * (8 + answers) > MAX_JUDGEMENT_BYTES / 2) return null;
    const step = task.step && encodeDeltaStep(task.step, served.layout.size);
    const stepHash = step && (await sha256(step));
    const work: JobWork = {
      kind: "evaluate",
      step: stepHash,
      examples: { sha256: hash, count, answers },
    };
    const inputs: JobInputs = new Map([
      [hash, examples],
      ...(step !== null && stepHash !== null ? [[stepHash, step] as const] : []),
    ]);
    const base = { number: version, checkpoint: task.checkpoint };
    const { architecture } = served.recipe;
    const answered = await jobs.offer({ model: task.model, architecture, base, work }, inputs);
    if (answered === null || (await isTrue(task, answered))) return answered;
    const what = `the relay did a part of a job of ${task.model} again: the judge evaluated otherwise`;
    await onLie(answered.judge, what);
    return "lie";
  }

  /** Whether the relay comes to the same on a few of the examples, drawn after the answer: they lie in random order. */
  async function isTrue(task: EvaluationTask, { judgement }: Answered): Promise<boolean> {
    assert(judgement.kind === "evaluate", "an evaluation was asked for");
    const count = judgement.losses.length;
    const checked = Math.min(count, Math.max(LEAST_CHECKED, Math.ceil(count * CHECKED_SHARE)));
    const first = Math.floor(parts.lot() * (count - checked + 1));
    const from = task.range[0] + first;
    const own = await evaluator.evaluate({ ...task, range: [from, from + checked] });
    const sent = sliceEvaluation(judgement, first, first + checked);
    return isSameJudgement({ kind: "evaluate", ...sent }, { kind: "evaluate", ...own });
  }

  return {
    begin() {
      let isByJudge = false;
      let hasLie = false;
      return {
        isToRepeat: (isRefusal) => hasLie || (isByJudge && isRefusal),
        async evaluate(task, version) {
          const name = task.step === null ? `${nameOf(task)} ${task.checkpoint}` : null;
          const before = name === null ? undefined : known.get(name);
          if (before !== undefined) {
            isByJudge = true;
            return before.evaluation;
          }
          const isAsked = typeof task.set === "string" && jobs.isAnybodyThere();
          const answered = isAsked ? await askJudges(task, version) : null;
          if (answered === "lie") hasLie = true;
          if (answered === null || answered === "lie") return evaluator.evaluate(task);
          const { judge, judgement } = answered;
          assert(judgement.kind === "evaluate", "an evaluation was asked for");
          isByJudge = true;
          if (name !== null)
            keepNewest(known, name, { judge, evaluation: judgement }, KEPT_EVALUATIONS);
          return judgement;
        },
      };
    },
    forget(judge) {
      for (const [name, { judge: by }] of known) if (by === judge) known.delete(name);
    },
  };
}

function nameOf({ model, set, range }: EvaluationTask): string {
  return `${model} ${typeof set === "string" ? set : set.suite} ${range}`;
}
