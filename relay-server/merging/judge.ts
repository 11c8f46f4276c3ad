import { type GateReport, gateReportOf } from "../../core/gate/gate-report.ts";
import type { GateSetting, Judge } from "../../core/gate/judge.ts";
import type { GateVerdict } from "../../core/gate/suites.ts";
import type { MergedStep } from "../../core/merge/mean.ts";
import type { GateTest } from "../../core/protocol/schemas/status.ts";
import type { Metrics, OpenedPackets } from "../../core/protocol/schemas/version.ts";
import { createRandom } from "../../core/random.ts";
import { type Evaluation, metricsOf } from "../../core/training/metrics.ts";
import type { Head } from "../history/head.ts";
import type { EvaluationTask } from "../threads/evaluation-thread.ts";

/** Runs versions of a model, by their numbers, on held-out examples: in the evaluation thread, or on machines beside it. */
export type Evaluations = {
  evaluate(task: EvaluationTask, version: number): Promise<Evaluation>;
};

/** Judges work on `head`. Its checkpoint, the last release's and the best version's are loaded in the evaluation thread. */
export function createJudge(
  evaluations: Evaluations,
  { model, number, checkpoint, release, best }: Head,
): Judge {
  return {
    evaluate(suite, subject, range) {
      const set = typeof suite === "string" ? suite : { suite: suite.id };
      const task = { model, set, range };
      if (subject !== "release" && subject !== "best") {
        return evaluations.evaluate({ ...task, checkpoint, step: subject.head }, number);
      }
      const earlier = subject === "release" ? release : best;
      const { checkpoint: known } = earlier;
      return evaluations.evaluate({ ...task, checkpoint: known, step: null }, earlier.number);
    },
  };
}

/** What the gate compares candidates on `head` with. Where its tests begin follows from the head's id. */
export function gateSettingOf(evaluations: Evaluations, head: Head): GateSetting {
  return {
    recipe: head.recipe,
    judge: createJudge(evaluations, head),
    suites: head.suites,
    parent: head.number,
    release: head.release.number,
    best: head.best.number,
    start: createRandom(`gate ${head.id}`).uint32() / 2 ** 32,
    packets: head.packets,
  };
}

/**
 * What the relay attests about a candidate, its `evaluations`-th at most. Throws where the report set's loss is no finite
 * number: a record of it could not be written down, and publishing would be tried for ever.
 */
export async function attest(
  { judge, recipe }: GateSetting,
  step: MergedStep,
  verdict: GateVerdict,
  evaluations: number,
): Promise<Attestation> {
  const all = [0, recipe.data.heldOut.report] as const;
  const report = metricsOf(await judge.evaluate("report", { head: step }, all));
  if (!Number.isFinite(report.lossNats)) {
    throw new Error(`the loss on the report set is ${report.lossNats}`);
  }
  if (verdict.decision !== "pass") return { report, gate: null, looked: { gate: 0 } };
  return { report, gate: gateReportOf(verdict, evaluations), looked: verdict.looked };
}

export type Attestation = {
  readonly report: Metrics;
  /** Null if it did not pass. */
  readonly gate: GateReport | null;
  /** The fresh packets that it passed on: they are opened with the version. */
  readonly looked: OpenedPackets;
};

/** A tested candidate as maintainers read about it. */
export function gateTestOf(
  { decision, tests, flips }: GateVerdict,
  facts: Pick<GateTest, "at" | "head" | "contributions">,
): GateTest {
  return { ...facts, decision, tests: [...tests], flips };
}
