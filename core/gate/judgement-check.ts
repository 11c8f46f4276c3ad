import { compareValues } from "../patch/similarity.ts";
import type { Judgement } from "../training/judgement.ts";
import { type Evaluation, meanOf } from "../training/metrics.ts";
import { isOwnMask, isSameWork, maskShareOf } from "./spot-check.ts";

/** Whether two machines came to the same at one job, within what devices differ by (protocol J5). */
export function isSameJudgement(sent: Judgement, again: Judgement): boolean {
  if (sent.kind === "evaluate") return again.kind === sent.kind && isSameEvaluation(sent, again);
  if (sent.kind === "own-mask") {
    return again.kind === sent.kind && isOwnMask(maskShareOf(sent.positions, again.positions));
  }
  return (
    again.kind === sent.kind &&
    sent.deltas.every((delta, i) => isSame(delta, again.deltas[i]!)) &&
    isSame(sent.information, again.information)
  );
}

function isSame(a: Float32Array, b: Float32Array): boolean {
  return (isNothing(a) && isNothing(b)) || isSameWork(compareValues(a, b));
}

const isNothing = (values: Float32Array) => values.every((value) => value === 0);

const LOSS_NATS = 1e-3; // one example's loss: two devices differ by a tenth of that
const LIKELIEST = 0.01; // of answers, and two: where the two likeliest are as likely, devices may choose otherwise

/** Whether two machines came to the same on the same examples. */
export function isSameEvaluation(sent: Evaluation, again: Evaluation): boolean {
  const isSameLoss = (loss: number, i: number) => {
    const own = again.losses[i]!;
    if (!Number.isFinite(loss) || !Number.isFinite(own)) {
      return !Number.isFinite(loss) && !Number.isFinite(own);
    }
    return Math.abs(loss - own) <= LOSS_NATS * Math.max(1, Math.abs(own));
  };
  const others = sent.answers.filter((right, i) => right !== again.answers[i]).length;
  const leeway = (n: number) => 2 + LIKELIEST * n;
  const { length } = sent.losses;
  return (
    sent.losses.every(isSameLoss) &&
    others <= leeway(sent.answers.length) &&
    Math.abs(meanOf(sent.correct) - meanOf(again.correct)) <= leeway(length) / length
  );
}

const CHECKED_SHARE = 1 / 16; // of an evaluation's examples, which the relay evaluates too
const LEAST_CHECKED = 16; // of lies about the losses of a quarter of the examples, one in 100 goes unseen; of a half, one in 65,000

/** How many of `examples` are evaluated again (protocol J5). */
export function checkedCount(examples: number): number {
  return Math.min(examples, Math.max(LEAST_CHECKED, Math.ceil(examples * CHECKED_SHARE)));
}

/**
 * Which of `examples` are evaluated again (protocol J5), ascending. Each is drawn by itself with `lot`, in [0, 1): whoever lies chooses
 * where, and a run of examples could miss all lies. Source: Bentley and Floyd 1987, algorithm F2, doi:10.1145/30401.315746.
 */
export function drawChecked(examples: number, lot: () => number): Uint32Array {
  const drawn = new Set<number>();
  for (let last = examples - checkedCount(examples); last < examples; last++) {
    const row = Math.floor(lot() * (last + 1));
    drawn.add(drawn.has(row) ? last : row);
  }
  return Uint32Array.from(drawn).sort();
}
