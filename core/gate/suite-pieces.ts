import type { MergedStep } from "../merge/mean.ts";
import type { Evaluation } from "../training/metrics.ts";
import type { ContributedSuite, Judge, Suite } from "./judge.ts";

const PIECES = 8; // of a suite: a look at the tests after each, so that a clear case costs one piece

/** First example and the one after the last. */
export type ExampleSpan = readonly [from: number, to: number];

/**
 * The pieces that cover `examples` once, round from `start` in [0, 1) of the way on. Where they lie is the same for every
 * version, so that what an earlier version did on a piece is known from then on.
 */
export function piecesOf(examples: number, start: number): ExampleSpan[] {
  const length = Math.ceil(examples / PIECES);
  const count = Math.ceil(examples / length);
  const first = Math.floor(start * count);
  return Array.from({ length: count }, (_, i) => {
    const from = ((first + i) % count) * length;
    return [from, Math.min(from + length, examples)];
  });
}

/** What a candidate does on a piece. */
export type Look = (suite: Suite | ContributedSuite, piece: ExampleSpan) => Promise<Evaluation>;

/** What tests and verdicts call a suite. */
export function suiteNameOf(suite: Suite | ContributedSuite): string {
  return typeof suite === "string" ? suite : suite.name;
}

/** What the head with `step` does on a piece, found out once: its tests and its flips ask for the same. */
export function lookOnce(judge: Judge, step: MergedStep): Look {
  const known = new Map<string, Evaluation>();
  return async (suite, piece) => {
    const name = `${suiteNameOf(suite)} ${piece.join()}`;
    const evaluation = known.get(name) ?? (await judge.evaluate(suite, { head: step }, piece));
    known.set(name, evaluation);
    return evaluation;
  };
}
