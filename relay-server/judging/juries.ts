import { assert } from "../../core/errors.ts";
import { drawJurors, type JurorAnswer, liarsAmong, settleJury } from "../../core/gate/jury.ts";
import { cutOf, firstFresh } from "../../core/gate/packets.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import { GATE_SUITES } from "../../core/protocol/schemas/version.ts";
import type { Evaluation } from "../../core/training/metrics.ts";
import type { RelayContext } from "../context.ts";
import type { Head } from "../history/head.ts";
import type { WaitingMember } from "../merging/member.ts";
import type { EvaluationTask } from "../threads/evaluation-thread.ts";
import type { Evaluator } from "../threads/open-evaluator.ts";
import { type EvaluationJobs, nameOfPiece } from "./evaluation-jobs.ts";
import type { Jobs } from "./jobs.ts";
import type { Jurors } from "./jurors.ts";

/** A jury that sits for one decision. */
export type Jury = {
  /** Whether the task is a piece for it: a packet that no gate has opened. */
  covers(task: EvaluationTask): boolean;
  /** What it comes to, after the relay's checks. */
  evaluate(task: EvaluationTask, version: number): Promise<Settled>;
};

type Settled = {
  readonly answers: readonly JurorAnswer[];
  readonly evaluation: Evaluation;
  readonly isByJury: boolean;
  readonly hasLiar: boolean;
};

export type JuryParts = {
  readonly context: Pick<RelayContext, "contributions" | "history" | "referenceSeeds" | "clock">;
  readonly jobs: Pick<Jobs, "offerSeat" | "vacate">;
  readonly jurors: Jurors;
  readonly evaluator: Pick<Evaluator, "evaluate">;
  readonly evaluationJobs: EvaluationJobs;
  /** In [0, 1), and nobody outside can tell it. */
  readonly lot: () => number;
};

const PLANTED_SHARE = 1 / 16; // of pieces, which the relay evaluates wholly whatever the jurors say
const TRIES = 2; // for a seat: then the relay does not wait any longer

/** Draws juries; null where the recipe has none, nothing is sealed, or too few are there. */
export function createJuries(
  parts: JuryParts,
): (head: Head, members: readonly WaitingMember[]) => Promise<Jury | null> {
  return async (head, members) => {
    const { jury: seats } = head.recipe.gate;
    if (seats === undefined || head.packets === null) return null;
    const { model, number } = head;
    const secret = await parts.context.referenceSeeds.seedOf({
      model,
      number,
      parent: head.record.parent,
    });
    const drawn = drawJurors(parts.jurors.present(model), {
      seed: `jury ${secret} ${members.map(({ id }) => id).join(" ")}`,
      except: new Set(members.map(({ row }) => row.contributor)),
    });
    return drawn.length < seats ? null : sit(parts, head, seats, [...drawn]);
  };
}

/** By how much a candidate may be worse than the head on the task's suite. */
function marginOf({ gate }: Recipe, { set }: EvaluationTask): number {
  return set === "protected" && gate.protected ? gate.protected.marginNats : gate.marginNats;
}

/** The first of `drawn` have the seats; the others take them where somebody does not come back. */
function sit(
  { context, jobs, jurors, evaluator, evaluationJobs, lot }: JuryParts,
  head: Head,
  seats: number,
  drawn: { readonly contributor: string }[],
): Jury {
  const { model } = head;
  const sitting: (string | null)[] = drawn.splice(0, seats).map(({ contributor }) => contributor);
  const asked = new Map<string, Promise<Settled>>();

  /** Somebody else has the seat from now on, if anybody is left. */
  function replace(juror: string): void {
    jurors.leave(model, juror);
    jobs.vacate(juror);
    const seat = sitting.indexOf(juror);
    if (seat >= 0) sitting[seat] = drawn.shift()?.contributor ?? null;
  }

  async function askSeat(
    seat: number,
    job: Parameters<Jobs["offerSeat"]>[0],
    inputs: Parameters<Jobs["offerSeat"]>[1],
  ): Promise<JurorAnswer | null> {
    for (let tries = 0; tries < TRIES; tries++) {
      const juror = sitting[seat] ?? null;
      if (juror === null) return null;
      const answered = await jobs.offerSeat(job, inputs, juror);
      if (answered !== null) {
        const { judgement } = answered;
        assert(judgement.kind === "evaluate", "an evaluation was asked for");
        return { contributor: juror, evaluation: judgement };
      }
      replace(juror);
    }
    return null;
  }

  /** Before any juror sees it, so that no kill makes a packet fresh again: it is spent, whatever comes of the candidate. */
  async function noteShown({ set, range: [from, to] }: EvaluationTask): Promise<void> {
    const suite = GATE_SUITES.find((own) => own === set);
    assert(suite !== undefined, "a jury sits on the recipe's own suites");
    await context.history.noteShown(model, suite, to / (to - from));
  }

  /** Credit or blame for each answer. A liar has no seat any more. */
  async function note(answers: readonly JurorAnswer[], liars: readonly string[]): Promise<void> {
    for (const liar of liars) replace(liar);
    const found = answers.map(({ contributor, evaluation: { losses } }) => ({
      contributor,
      examples: losses.length,
      isLie: liars.includes(contributor),
    }));
    await context.contributions.noteJury(model, found, context.clock());
  }

  /** The relay came to something else of the head where a candidate gained: it evaluates the head itself. */
  async function repeat(parentTask: EvaluationTask, { answers }: Settled): Promise<void> {
    const evaluation = await evaluator.evaluate(parentTask);
    const liars = liarsAmong(answers, evaluation);
    const blamed = answers.filter(({ contributor }) => liars.includes(contributor));
    await note(blamed, liars);
    const settled = { answers: [], evaluation, isByJury: false, hasLiar: true };
    asked.set(nameOfPiece(parentTask), Promise.resolve(settled));
  }

  async function ask(task: EvaluationTask, version: number): Promise<Settled> {
    await noteShown(task);
    const parentTask = task.step === null ? null : { ...task, step: null };
    const made = await evaluationJobs.jobOf(task, version);
    const asking = sitting.map((_, seat) => askSeat(seat, made.job, made.inputs));
    // jurors who are there do both at once, and what they said of the parent tells where to look at the candidate
    const [given, parent] = await Promise.all([
      Promise.all(asking),
      parentTask && askOnce(parentTask, version),
    ]);
    const answers = given.filter((answer) => answer !== null);
    const ownOn = (looked: EvaluationTask) => (rows: Uint32Array | null) =>
      evaluator.evaluate(rows === null ? looked : { ...looked, rows });
    const { evaluation, liars, isByJury, isEarlierTrue } = await settleJury(answers, {
      seats,
      earlier: parentTask &&
        parent && {
          evaluation: parent.evaluation,
          marginNats: marginOf(head.recipe, task),
          own: parent.isByJury ? ownOn(parentTask) : null,
        },
      isPlanted: lot() < PLANTED_SHARE,
      lot,
      own: ownOn(task),
    });
    await note(answers, liars);
    if (parentTask && parent && !isEarlierTrue) await repeat(parentTask, parent);
    const hasLiar = liars.length > 0 || !isEarlierTrue;
    return { answers, evaluation, isByJury, hasLiar };
  }

  /** The head as it is is asked for once: all parts of a cohort are compared with it. */
  function askOnce(task: EvaluationTask, version: number): Promise<Settled> {
    if (task.step !== null) return ask(task, version);
    const name = nameOfPiece(task);
    const settled = asked.get(name) ?? ask(task, version);
    asked.set(name, settled);
    return settled;
  }

  return {
    covers({ set, range: [from, to], checkpoint }) {
      const { packets } = head;
      if (packets === null || checkpoint !== head.checkpoint) return false; // jurors have the head
      const sealed = packets.suites.find(({ suite }) => suite === set);
      if (sealed === undefined) return false;
      const { size, count } = cutOf(sealed);
      const first = firstFresh(packets, sealed.suite);
      const packet = from / size;
      return to - from === size && packet >= first && packet < count;
    },
    evaluate: askOnce,
  };
}
