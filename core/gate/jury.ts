import { createRandom } from "../random.ts";
import type { Evaluation } from "../training/metrics.ts";
import { pickEvaluation } from "../training/metrics.ts";
import { checkedCount, drawChecked, isSameEvaluation } from "./judgement-check.ts";

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

/** What a candidate is compared with on the same piece. */
export type EarlierAnswer = {
  readonly evaluation: Evaluation;
  /** By how much the candidate may be worse: what is less speaks for it. */
  readonly marginNats: number;
  /** The relay's own evaluation of some rows; null where `evaluation` is the relay's own. */
  readonly own: ((rows: Uint32Array) => Promise<Evaluation>) | null;
};

export type JuryFinding = {
  readonly evaluation: Evaluation;
  /** Those whose answers are not what the relay came to. */
  readonly liars: readonly string[];
  /** False where the relay evaluated the whole piece itself. */
  readonly isByJury: boolean;
  /** Whether the relay came to the same of the earlier version where the candidate gained. */
  readonly isEarlierTrue: boolean;
};

/**
 * What becomes of a jury's answers (protocol J10). They count where each seat has one, all are alike, and `own`, the relay's
 * evaluation of these rows of the piece (null: of all), is so too on some that `lot` in [0, 1) draws: a few by a plain lot, and as many
 * of those that speak for the candidate. Else, and where the piece was `planted`, the relay evaluates all of it, and whoever said
 * something else lied. `earlier` is what a candidate is compared with; null where the piece is not a candidate's.
 */
export async function settleJury(
  answers: readonly JurorAnswer[],
  {
    seats,
    earlier,
    isPlanted,
    lot,
    own,
  }: {
    readonly seats: number;
    readonly earlier: EarlierAnswer | null;
    readonly isPlanted: boolean;
    readonly lot: () => number;
    readonly own: (rows: Uint32Array | null) => Promise<Evaluation>;
  },
): Promise<JuryFinding> {
  const tellingOf = (said: Evaluation) =>
    earlier === null ? new Uint32Array(0) : drawTelling(said, earlier, lot);
  const said = unanimousOf(answers, seats);
  if (said !== null && !isPlanted) {
    const telling = tellingOf(said);
    const plain = drawChecked(said.losses.length, lot);
    const rows = Uint32Array.from(new Set([...plain, ...telling])).sort();
    if (isSameEvaluation(pickEvaluation(said, rows), await own(rows))) {
      const isEarlierTrue = await isTrueOn(earlier, telling);
      return { evaluation: said, liars: [], isByJury: true, isEarlierTrue };
    }
  }
  const evaluation = await own(null);
  const isEarlierTrue = await isTrueOn(earlier, tellingOf(evaluation));
  return { evaluation, liars: liarsAmong(answers, evaluation), isByJury: false, isEarlierTrue };
}

/** What all seats say; null where one is without an answer or says something else. */
function unanimousOf(answers: readonly JurorAnswer[], seats: number): Evaluation | null {
  const [first] = answers;
  if (first === undefined || answers.length < seats) return null;
  const isAlike = answers.every(({ evaluation }) => isSameEvaluation(evaluation, first.evaluation));
  return isAlike ? first.evaluation : null;
}

/** Those who said something else than the relay's own `evaluation` of the whole piece. */
export function liarsAmong(answers: readonly JurorAnswer[], evaluation: Evaluation): string[] {
  return answers
    .filter((answer) => !isSameEvaluation(answer.evaluation, evaluation))
    .map(({ contributor }) => contributor);
}

async function isTrueOn(earlier: EarlierAnswer | null, rows: Uint32Array): Promise<boolean> {
  if (earlier === null || earlier.own === null || rows.length === 0) return true;
  return isSameEvaluation(pickEvaluation(earlier.evaluation, rows), await earlier.own(rows));
}

/**
 * As many rows as a plain look has, drawn with `lot` in [0, 1) in proportion to how much better than the earlier version a candidate
 * is said to be there, none twice, ascending. A lie that turns a verdict by few rows must say much of each, so that most draws meet one;
 * a lie that says little of each needs many rows, and meets the plain look. Source: Efraimidis and Spirakis 2006,
 * doi:10.1016/j.ipl.2005.11.003.
 */
export function drawTelling(
  said: Evaluation,
  { evaluation: { losses }, marginNats }: Pick<EarlierAnswer, "evaluation" | "marginNats">,
  lot: () => number,
): Uint32Array {
  const drawn: { readonly row: number; readonly key: number }[] = [];
  said.losses.forEach((loss, row) => {
    const gain = losses[row]! + marginNats - loss;
    if (gain > 0) drawn.push({ row, key: Math.log1p(-lot()) / gain }); // NaN is none
  });
  drawn.sort((a, b) => b.key - a.key);
  const rows = drawn.slice(0, checkedCount(said.losses.length)).map(({ row }) => row);
  return Uint32Array.from(rows).sort();
}
