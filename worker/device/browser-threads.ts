import type { ThreadStarter } from "../../kernels/wasm/thread-team.ts";

/** Threads for the kernels, with the worker that asks one a core; null on a page that is not isolated, where none can share memory. */
export function browserThreads(): ThreadStarter | null {
  if (!self.crossOriginIsolated) return null;
  return {
    count: navigator.hardwareConcurrency - 1,
    start(task) {
      const thread = new Worker(new URL("./kernel-thread.ts", import.meta.url), { type: "module" });
      thread.postMessage(task);
    },
  };
}
