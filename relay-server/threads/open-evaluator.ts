import type { EvaluatedModel, Evaluator } from "./evaluation-thread.ts";
import { keepThread } from "./lasting-thread.ts";

/** The evaluation thread, with its backend opened by the first evaluation; one that dies is replaced. */
export function openEvaluator(): { evaluator: Evaluator; close(): Promise<void> } {
  const models = new Map<string, EvaluatedModel>();
  const { thread, isRunning, close } = keepThread<Evaluator>(
    new URL("./evaluation-thread.ts", import.meta.url),
    async (started) => {
      await Promise.all([...models.values()].map((model) => started.open(model)));
    },
  );
  const evaluator: Evaluator = {
    async open(model) {
      models.set(model.id, model);
      if (isRunning()) await thread.open(model); // else it is told when it starts: the relay need not wait for it
    },
    has: (checkpoint) => thread.has(checkpoint),
    load: (checkpoint, parameters) => thread.load(checkpoint, parameters),
    evaluate: (task) => thread.evaluate(task),
  };
  return { evaluator, close };
}
