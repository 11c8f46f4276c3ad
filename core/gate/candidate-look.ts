import type { MergedStep } from "../merge/mean.ts";
import type { Evaluation } from "../training/metrics.ts";
import type { ContributedSuite, Judge, Suite } from "./judge.ts";
import type { ExampleSpan } from "./packets.ts";

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
