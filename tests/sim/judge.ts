import { type PairedTestResult, pairedTest } from "../../core/gate/paired-test.ts";
import type { Metrics } from "../../core/protocol/schemas/version.ts";
import { accuracy, type Evaluation, evaluate } from "../../core/training/evaluate.ts";
import { sliceExamples } from "../../core/training/examples.ts";
import type { SimModel } from "./sim-model.ts";

const GATE_PIECE = 500; // examples between two looks at the test

/** The losses of a head on the held-out sets, against which everything new is compared. */
export type HeadLosses = {
  readonly score: Float32Array;
  readonly gate: Float32Array;
  readonly report: Evaluation;
};

export async function judgeHead(model: SimModel, parameters: Float32Array): Promise<HeadLosses> {
  const { architecture } = model.recipe;
  const { score, gate, report } = model.heldOut;
  return {
    score: (await evaluate({ architecture, parameters, examples: score })).losses,
    gate: (await evaluate({ architecture, parameters, examples: gate })).losses,
    report: await evaluate({ architecture, parameters, examples: report }),
  };
}

export function metricsOf({ losses, correct }: Evaluation): Metrics {
  return { examples: losses.length, lossNats: mean(losses), accuracy: accuracy(correct) };
}

/** The rise of the mean score loss, in nats, when `stepShare` of `delta` [k] is added to the head. */
export async function scoreRise(
  model: SimModel,
  head: { readonly parameters: Float32Array; readonly losses: HeadLosses },
  positions: Uint32Array,
  delta: Float32Array,
): Promise<number> {
  const { architecture, score } = model.recipe;
  const parameters = head.parameters.slice();
  positions.forEach((position, i) => {
    parameters[position]! += score.stepShare * delta[i]!;
  });
  const { losses } = await evaluate({ architecture, parameters, examples: model.heldOut.score });
  return mean(losses) - mean(head.losses.score);
}

/** The gate's paired test at error rate `alpha`, looking at no more examples than it needs. */
export async function testCandidate(
  model: SimModel,
  parentLosses: Float32Array,
  parameters: Float32Array,
  alpha: number,
): Promise<PairedTestResult> {
  const { architecture, gate } = model.recipe;
  const examples = model.heldOut.gate;
  const differences = new Float32Array(Math.min(examples.count, gate.maxExamples));
  let result = pairedTest(differences.subarray(0, 0), { ...gate, alpha });
  for (let from = 0; from < differences.length; from += GATE_PIECE) {
    const to = Math.min(from + GATE_PIECE, differences.length);
    const piece = sliceExamples(examples, from, to);
    const { losses } = await evaluate({ architecture, parameters, examples: piece });
    losses.forEach((loss, i) => {
      differences[from + i] = loss - parentLosses[from + i]!;
    });
    result = pairedTest(differences.subarray(0, to), { ...gate, alpha });
    if (result.decision !== "undecided") break;
  }
  return result;
}

function mean(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
