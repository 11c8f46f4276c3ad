import { on } from "node:events";
import { Worker } from "node:worker_threads";
import { MOVED_TO } from "../../content/data-folder.ts";
import { StartError } from "../../start-error.ts";
import { isStorageFull } from "../../storage-error.ts";
import { type Callable, callThread } from "../../threads/call-port.ts";
import { watchThread } from "../../threads/vital-thread.ts";
import type { Ledger, OpenLedger } from "../store.ts";

/**
 * Open the SQLite ledger at `path` in a thread of its own; a StartError says why it cannot be. If the thread ends before it
 * is closed, so does the process: every request would fail from then on, and whoever started the relay starts it again.
 */
export async function openSqliteLedger(path: string): Promise<OpenLedger> {
  const worker = new Worker(new URL("./sqlite-thread.ts", import.meta.url), {
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
  const thread = callThread(worker);
  const opened: OpenLedger = {
    ledger: {
      tickets: storeIn(thread, "tickets"),
      contributions: storeIn(thread, "contributions"),
      history: storeIn(thread, "history"),
      people: storeIn(thread, "people"),
      status: storeIn(thread, "status"),
    },
    async close() {
      letGo();
      await thread.close?.();
      await worker.terminate();
    },
  };
  const moved = await opened.ledger.status.setting(MOVED_TO);
  if (moved === undefined) return opened;
  await opened.close();
  throw new StartError(
    `The ledger ${path} was moved to PostgreSQL (${moved}), where it has gone on since: set STORE to that database.`,
  );
}

/** One store of the ledger in `thread`, where its methods are called by its name and theirs. */
function storeIn<S extends keyof Ledger>(thread: Callable, name: S): Ledger[S] {
  return new Proxy({} as Ledger[S], {
    get: (_, method) =>
      typeof method === "string" && method !== "then" // a store with `then` would be awaited
        ? thread[`${name}.${method}`]
        : undefined,
  });
}

function startErrorOf(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || isStorageFull(error)) return error;
  if (error.name === "StartError") return new StartError(error.message);
  const reason = "code" in error ? `${error.message} (${error.code})` : error.message;
  return new StartError(
    `The database ${path} cannot be used: ${reason}. Put a backup in its place, or choose another DATA_DIR.`,
  );
}
