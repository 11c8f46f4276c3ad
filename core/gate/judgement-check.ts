import { compareValues } from "../patch/similarity.ts";
import type { Judgement } from "../training/judgement.ts";
import { isOwnMask, isSameWork, maskShareOf } from "./spot-check.ts";

/** Whether two machines came to the same at one job, within what devices differ by (protocol J5). */
export function isSameJudgement(sent: Judgement, again: Judgement): boolean {
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
