import { proxy, wrap } from "comlink";
import type { Snapshot, WorkerApi } from "../worker/api.ts";

/** Loads the engine, tells it the listener, and resolves to its commands; may be tried again if it rejects. */
export type OpenEngine = (
  listener: (snapshot: Snapshot) => void,
  onFailure: (sentence: string) => void,
) => Promise<WorkerApi>;

/** The engine in its own thread. Its files are fetched here, hence only after consent. */
export const openEngine: OpenEngine = async (listener, onFailure) => {
  const worker = new Worker(new URL("../worker/main.ts", import.meta.url), { type: "module" });
  const failed = new Promise<never>((_, reject) => {
    worker.addEventListener("error", (event) => {
      worker.terminate(); // it would keep the training lock
      const what = event.message ? `: ${event.message}` : "";
      onFailure(`The training engine could not go on${what}. Reload the page to start it again.`);
      reject(new Error(event.message));
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
