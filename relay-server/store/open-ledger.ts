import { on } from "node:events";
import { Worker } from "node:worker_threads";
import { StartError } from "../start-error.ts";
import { isStorageFull } from "../storage-error.ts";
import { callThread } from "../threads/call-port.ts";
import { watchThread } from "../threads/vital-thread.ts";
import type { Ledger } from "./ledger.ts";

export type OpenLedger = { readonly ledger: Ledger; close(): Promise<void> };

/**
 * Open the SQLite ledger at `path` in a thread of its own; a StartError says why it cannot be. If the thread ends before it
 * is closed, so does the process: every request would fail from then on, and whoever started the relay starts it again.
 */
export async function openLedger(path: string): Promise<OpenLedger> {
  const worker = new Worker(new URL("./ledger-thread.ts", import.meta.url), {
    workerData: { path },
  });
  try {
    for await (const [message] of on(worker, "message")) if (message === "open") break;
  } catch (error) {
    throw startErrorOf(path, error);
  }
  const letGo = watchThread(worker, (reason) => {
    console.error(
      `The ledger's thread has ended (${reason}): the relay ends, to be started again.`,
    );
    process.exit(1);
  });
  const thread = callThread<Ledger & { close(): Promise<void> }>(worker);
  return {
    ledger: thread,
    async close() {
      letGo();
      await thread.close();
      await worker.terminate();
    },
  };
}

function startErrorOf(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || isStorageFull(error)) return error;
  if (error.name === "StartError") return new StartError(error.message);
  const reason = "code" in error ? `${error.message} (${error.code})` : error.message;
  return new StartError(
    `The database ${path} cannot be used: ${reason}. Put a backup in its place, or choose another DATA_DIR.`,
  );
}
