import { createRandom } from "../random.ts";
import type { Evaluation } from "../training/metrics.ts";
import { pickEvaluation } from "../training/metrics.ts";
import { drawChecked, isSameEvaluation } from "./judgement-check.ts";

/** A volunteer who may judge, and the network that it asks from. */
export type Juror = { readonly contributor: string; readonly network: string };

/**
 * Who judges, in the order in which seats are given (protocol J9): one a network, nobody in `except`. A volunteer's place follows from
 * `seed` and its own key, so that nobody moves another by coming or going; who has the seed alone can tell it before.
 */
export function drawJurors(
  present: readonly Juror[],
  { seed, except }: { readonly seed: string; readonly except: ReadonlySet<string> },
): Juror[] {
  const lots = present
    .filter(({ contributor }) => !except.has(contributor))
    .map((juror) => ({ juror, lot: createRandom(`${seed} ${juror.contributor}`).uint32() }))
    .sort((a, b) => a.lot - b.lot || (a.juror.contributor < b.juror.contributor ? -1 : 1));
  const networks = new Set<string>();
  const drawn: Juror[] = [];
  for (const { juror } of lots) {
    if (networks.has(juror.network)) continue;
    networks.add(juror.network);
    drawn.push(juror);
  }
  return drawn;
}

/** What a juror says of a piece of a suite. */
export type JurorAnswer = { readonly contributor: string; readonly evaluation: Evaluation };

export type JuryFinding = {
  readonly evaluation: Evaluation;
  /** Those whose answers are not what the relay came to. */
  readonly liars: readonly string[];
  /** False where the relay evaluated the whole piece itself. */
  readonly isByJury: boolean;
};

/**
 * What becomes of a jury's answers (protocol J10). They count where each seat has one, all are alike, and `own`, the relay's
 * evaluation of these rows of the piece (null: of all), is so too on a few that `lot` in [0, 1) draws. Else, and where the piece was
 * `planted`, the relay evaluates all of it, and whoever said something else lied.
 */
export async function settleJury(
  answers: readonly JurorAnswer[],
  {
    seats,
    examples,
    isPlanted,
    lot,
    own,
  }: {
    readonly seats: number;
    readonly examples: number;
    readonly isPlanted: boolean;
    readonly lot: () => number;
    readonly own: (rows: Uint32Array | null) => Promise<Evaluation>;
  },
): Promise<JuryFinding> {
  const [first] = answers;
  const isUnanimous =
    answers.length === seats &&
    answers.every(({ evaluation }) => isSameEvaluation(evaluation, answers[0]!.evaluation));
  if (first !== undefined && isUnanimous && !isPlanted) {
    const rows = drawChecked(examples, lot);
    const sent = pickEvaluation(first.evaluation, rows);
    if (isSameEvaluation(sent, await own(rows))) {
      return { evaluation: first.evaluation, liars: [], isByJury: true };
    }
  }
  const evaluation = await own(null);
  const liars = answers.filter((answer) => !isSameEvaluation(answer.evaluation, evaluation));
  return { evaluation, liars: liars.map(({ contributor }) => contributor), isByJury: false };
}
