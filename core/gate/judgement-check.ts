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
  let dot = 0;
  let squaresA = 0;
  let squaresB = 0;
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    squaresA += a[i]! ** 2;
    squaresB += b[i]! ** 2;
  }
  if (squaresA === 0 || squaresB === 0) return squaresA === squaresB;
  const normRatio = Math.sqrt(squaresA / squaresB);
  return isSameWork({ cosine: dot / Math.sqrt(squaresA * squaresB), normRatio });
}
