import { DEFAULT_CLIP_NATS } from "../protocol/schemas/recipe.ts";
import type { SuiteTest } from "../protocol/schemas/version.ts";
import type { Evaluation } from "../training/metrics.ts";
import { type Look, suiteNameOf } from "./candidate-look.ts";
import type { ContributedSuite, GateSetting, Subject } from "./judge.ts";
import type { GatePiece } from "./packets.ts";
import { type PairedTestResult, type PairedTestRules, pairedTest } from "./paired-test.ts";

type MarginRules = Pick<PairedTestRules, "marginNats" | "toleratedNats">;

/** How much worse a suite may get, and the most that one of its examples counts. */
export type SuiteRules = Readonly<Record<"parent" | "release", MarginRules>> & {
  /** Null where a suite is not held to the best version: what is learnt costs something of what was known. */
  readonly best: MarginRules | null;
  readonly clipNats: number | undefined;
};

/** A suite that a candidate must pass. */
export type SuiteToPass = {
  readonly suite: "gate" | "protected" | ContributedSuite;
  /** What a gate may look at, in order. */
  readonly pieces: readonly GatePiece[];
  /** Examples that a test looks at. */
  readonly most: number;
  readonly rules: SuiteRules;
};

/** The tests of one suite against parent, release and best, piece by piece until all are decided. */
export async function testSuite(
  { recipe, judge, parent, release, best }: GateSetting,
  look: Look,
  { suite, pieces, most, rules, alpha }: SuiteToPass & { readonly alpha: number },
): Promise<SuiteLook> {
  const runs = [createRun("parent", rules.parent, parent, { head: null })];
  if (release !== parent) runs.push(createRun("release", rules.release, release, "release"));
  if (rules.best !== null && best !== parent && best !== release) {
    runs.push(createRun("best", rules.best, best, "best"));
  }
  const looked: GatePiece[] = [];
  for (const each of pieces) {
    const { piece } = each;
    looked.push(each);
    const candidate = await look(suite, piece);
    for (const run of runs) {
      if (run.result?.decision === "pass") continue;
      append(run.differences, candidate, await judge.evaluate(suite, run.subject, piece));
      run.result = pairedTest(Float32Array.from(run.differences), {
        ...recipe.gate,
        ...run.margin,
        clipNats: rules.clipNats,
        alpha,
        beta: (recipe.gate.beta * alpha) / recipe.gate.alpha, // split over a bisection, as alpha is
        maxExamples: most,
      });
    }
    if (runs.some(({ result }) => result?.decision === "fail")) break;
    if (runs.every(({ result }) => result?.decision === "pass")) break;
  }
  const isFresh = looked.every((each) => each.isFresh);
  const tests = runs.map(({ against, version, margin, result }) => ({
    suite: suiteNameOf(suite),
    against,
    version,
    decision: result?.decision ?? "undecided",
    examples: result?.examples ?? 0,
    meanDifferenceNats: result?.meanDifference ?? 0,
    logEvidence: result?.logEvidencePass ?? 0,
    passAt: -Math.log(alpha),
    examplesWere: isFresh ? ("fresh" as const) : ("reused" as const),
    ...(isFresh && {
      marginNats: margin.marginNats,
      clipNats: rules.clipNats ?? DEFAULT_CLIP_NATS,
    }),
  }));
  return { tests, looked };
}

/** What the tests of a suite found, and the pieces that they looked at. */
export type SuiteLook = {
  readonly tests: readonly SuiteTest[];
  readonly looked: readonly GatePiece[];
};

type Run = {
  readonly against: SuiteTest["against"];
  readonly margin: MarginRules;
  readonly version: number;
  readonly subject: Subject;
  /** Candidate − earlier version, nats. */
  readonly differences: number[];
  result: PairedTestResult | null;
};

function createRun(
  against: Run["against"],
  margin: MarginRules,
  version: number,
  subject: Subject,
): Run {
  return { against, margin, version, subject, differences: [], result: null };
}

function append(differences: number[], candidate: Evaluation, earlier: Evaluation): void {
  candidate.losses.forEach((loss, i) => {
    differences.push(loss - earlier.losses[i]!);
  });
}
