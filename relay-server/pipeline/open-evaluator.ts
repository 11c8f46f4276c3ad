import { Worker } from "node:worker_threads";
import { callThread } from "../threads/call-port.ts";
import type { Evaluator } from "./evaluation-thread.ts";

/** Start the evaluation thread; it opens its backend when the first evaluation asks for it. */
export function openEvaluator(): { evaluator: Evaluator; close(): Promise<void> } {
  const worker = new Worker(new URL("./evaluation-thread.ts", import.meta.url));
  return {
    evaluator: callThread<Evaluator>(worker),
    async close() {
      await worker.terminate();
    },
  };
}
