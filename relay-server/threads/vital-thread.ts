import type { Worker } from "node:worker_threads";

/**
 * Watch a thread that nothing goes on without: `onLost` hears, once, why it ended by itself. Returns how to let the thread
 * end.
 */
export function watchThread(worker: Worker, onLost: (reason: string) => void): () => void {
  let reason = "";
  const noteReason = (error: Error) => {
    reason = error.message;
  };
  const tell = (code: number) => onLost(reason || `exit code ${code}`);
  worker.on("error", noteReason);
  worker.once("exit", tell);
  return () => worker.off("exit", tell);
}
