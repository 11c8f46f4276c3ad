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
const LEAST_CHECKED = 16; // of a lie about a third of the examples, one in 650 goes unseen

/** Which of `examples` are evaluated again (protocol J5), as `lot` in [0, 1) has it: some that lie together, in random order as all are. */
export function checkedSpan(examples: number, lot: number): readonly [from: number, to: number] {
  const checked = Math.min(examples, Math.max(LEAST_CHECKED, Math.ceil(examples * CHECKED_SHARE)));
  const from = Math.floor(lot * (examples - checked + 1));
  return [from, from + checked];
}
