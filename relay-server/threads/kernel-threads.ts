import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { ThreadStarter } from "../../kernels/wasm/thread-team.ts";

/** Threads of Node for the kernels: with the one that asks, one a core. */
export function nodeThreads(): ThreadStarter {
  return {
    count: availableParallelism() - 1,
    start(task) {
      new Worker(new URL("./kernel-thread.ts", import.meta.url), { workerData: task }).unref();
    },
  };
}
