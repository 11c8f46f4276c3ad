import { proxy, wrap } from "comlink";
import type { Snapshot, WorkerApi } from "../worker/api.ts";
import engineUrl from "../worker/main.ts?worker&url";
import { describeLoadFault } from "./engine-fault.ts";

/** Loads the engine, tells it the listener, and resolves to its commands; may be tried again if it rejects. */
export type OpenEngine = (
  listener: (snapshot: Snapshot) => void,
  onFailure: (sentence: string) => void,
) => Promise<WorkerApi>;

/** The engine in its own thread. Its files are fetched here, hence only after consent. */
export const openEngine: OpenEngine = async (listener, onFailure) => {
  const worker = new Worker(engineUrl, { type: "module" });
  const failed = new Promise<never>((_, reject) => {
    worker.addEventListener("error", async (event) => {
      worker.terminate(); // it would keep the training lock
      const sentence = event.message
        ? `The training engine could not go on: ${event.message}. Start it again; if that fails, reload the page.`
        : await describeLoadFault(engineUrl, {
            fetch: (url, init) => fetch(url, init),
            caches: globalThis.caches, // absent over plain http
          });
      onFailure(sentence);
      reject(new Error(sentence));
    });
  });
  const engine = wrap<WorkerApi>(worker);
  try {
    await Promise.race([engine.open(proxy(listener)), failed]);
  } catch (error) {
    worker.terminate(); // the next start loads another
    throw error;
  }
  return engine;
};
