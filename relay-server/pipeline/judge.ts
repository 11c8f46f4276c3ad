import type { Judge } from "../../core/gate/judge.ts";
import type { GateSetting, GateVerdict } from "../../core/gate/suites.ts";
import type { MergedStep } from "../../core/merge/mean.ts";
import type { GateTest } from "../../core/protocol/schemas/status.ts";
import type { Metrics, VersionRecord } from "../../core/protocol/schemas/version.ts";
import { createRandom } from "../../core/random.ts";
import type { Evaluation } from "../../core/training/evaluate.ts";
import type { Evaluator } from "./evaluation-thread.ts";
import type { Head } from "./head.ts";

/** Judges work on `head` in the evaluation thread, where its checkpoint and the last release's are loaded. */
export function createJudge(
  evaluator: Pick<Evaluator, "evaluate">,
  { model, checkpoint, release }: Head,
): Judge {
  return {
    evaluate(set, subject, range) {
      const task = { model, set, range };
      if (subject !== "release") {
        return evaluator.evaluate({ ...task, checkpoint, step: subject.head });
      }
      return evaluator.evaluate({ ...task, checkpoint: release.checkpoint, step: null });
    },
  };
}

/** What the gate compares candidates on `head` with. Where its tests begin follows from the head's id. */
export function gateSettingOf(evaluator: Pick<Evaluator, "evaluate">, head: Head): GateSetting {
  return {
    recipe: head.recipe,
    judge: createJudge(evaluator, head),
    parent: head.number,
    release: head.release.number,
    start: createRandom(`gate ${head.id}`).uint32() / 2 ** 32,
  };
}

/** What the relay attests about a candidate that passed, its `evaluations`-th at most. */
export async function attest(
  { judge, recipe }: GateSetting,
  step: MergedStep,
  { tests, flips }: GateVerdict,
  evaluations: number,
): Promise<Attestation> {
  const [first] = tests; // of the gate suite, against the parent
  const { examples, meanDifferenceNats } = first!; // a candidate passes by its tests
  const report = metricsOf(
    await judge.evaluate("report", { head: step }, [0, recipe.data.heldOut.report]),
  );
  return {
    report,
    gate: {
      decision: "pass",
      examples,
      meanDifferenceNats,
      evaluations,
      tests: [...tests],
      ...(flips !== null && { flips }),
    },
  };
}

export type Attestation = {
  readonly report: Metrics;
  readonly gate: NonNullable<VersionRecord["evaluation"]["gate"]>;
};

/** How good a model is, from what it did on each example: losses in nats, and the share it got right. */
export function metricsOf({ losses, correct }: Evaluation): Metrics {
  const mean = (values: Float32Array) => {
    let sum = 0;
    for (const value of values) sum += value;
    return sum / values.length;
  };
  return { examples: losses.length, lossNats: mean(losses), accuracy: mean(correct) };
}

/** A tested candidate as maintainers read about it. */
export function gateTestOf(
  { decision, tests, flips }: GateVerdict,
  facts: Pick<GateTest, "at" | "head" | "contributions">,
): GateTest {
  const told = tests.map((test) => ({
    ...test,
    meanDifferenceNats: finite(test.meanDifferenceNats),
  }));
  return { ...facts, decision, tests: told, flips };
}

/** JSON has no infinities; a model that breaks down is as much worse as it can say. */
function finite(nats: number): number {
  return Number.isNaN(nats) ? Number.MAX_VALUE : Math.min(nats, Number.MAX_VALUE);
}
