import { assert } from "../../core/errors.ts";
import type { Judge, Subject, Suite } from "../../core/gate/judge.ts";
import { applyDeltaStep } from "../../core/tensors/delta-step.ts";
import { evaluate } from "../../core/training/evaluate.ts";
import { sliceExamples } from "../../core/training/examples.ts";
import type { Evaluation } from "../../core/training/metrics.ts";
import type { SimModel } from "./sim-model.ts";
import type { Chore, Stopwatch } from "./stopwatch.ts";

/**
 * A judge of the head with these `parameters` [N], in this process. What it finds out about head and release it
 * keeps, as the relay's thread does; its seconds count as the `chores` that each suite is looked at for.
 */
export function createSimJudge(
  model: SimModel,
  { parameters, release, best }: Readonly<Record<"parameters" | "release" | "best", Float32Array>>,
  kept: Map<string, Evaluation>,
  stopwatch: Stopwatch,
  chores: Readonly<Partial<Record<Suite, Chore>>>,
): Judge {
  async function run(suite: Suite, subject: Subject, [from, to]: readonly [number, number]) {
    const examples = model.heldOut[suite];
    assert(examples !== undefined, `${suite}: no such suite`);
    return evaluate({
      architecture: model.recipe.architecture,
      parameters: parametersOf(subject),
      examples: sliceExamples(examples, from, to),
    });
  }
  function parametersOf(subject: Subject): Float32Array {
    if (subject === "release") return release;
    if (subject === "best") return best;
    return subject.head === null ? parameters : applyDeltaStep(parameters, subject.head);
  }
  return {
    async evaluate(suite, subject, range) {
      assert(typeof suite === "string", "a simulated community has the recipe's suites alone");
      const isEarlier = subject === "release" || subject === "best";
      const isKept = isEarlier || subject.head === null;
      const name = `${suite} ${isEarlier ? subject : "head"} ${range.join()}`;
      const known = isKept ? kept.get(name) : undefined;
      if (known !== undefined) return known;
      const chore = chores[suite];
      const look = () => run(suite, subject, range);
      const evaluation = chore === undefined ? await look() : await stopwatch.time(chore, look);
      if (isKept) kept.set(name, evaluation);
      return evaluation;
    },
  };
}
