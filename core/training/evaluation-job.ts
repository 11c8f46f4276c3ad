import type { JobWork } from "../protocol/schemas/judging.ts";
import type { Architecture } from "../protocol/schemas/recipe.ts";
import { applyDeltaStep, decodeDeltaStep } from "../tensors/delta-step.ts";
import type { evaluate as evaluateExamples } from "./evaluate.ts";
import { decodeExamples } from "./examples.ts";
import type { Evaluation } from "./metrics.ts";

/**
 * What an `evaluate` job (protocol J7) comes to on the parameters [N] of its base. `input` gives the files that it names, and
 * `evaluate` is core/training's, on the backend that is open. Throws a FormatError for files that are not what the job says.
 */
export async function doEvaluationJob(
  { step, examples: { sha256 } }: JobWork & { kind: "evaluate" },
  {
    architecture,
    base,
    input,
    evaluate,
  }: {
    readonly architecture: Architecture;
    readonly base: Float32Array;
    readonly input: (sha256: string) => Promise<Uint8Array>;
    readonly evaluate: typeof evaluateExamples;
  },
  options: Parameters<typeof evaluateExamples>[1],
): Promise<Evaluation> {
  const change = step === null ? null : decodeDeltaStep(await input(step), base);
  const parameters = change === null ? base : applyDeltaStep(base, change);
  const examples = decodeExamples("held-out examples", await input(sha256), architecture);
  return evaluate({ architecture, parameters, examples }, options);
}
