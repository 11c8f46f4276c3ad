import { FormatError } from "../../core/errors.ts";
import type { ComparisonThread } from "./comparison-thread.ts";
import { keepThread } from "./lasting-thread.ts";

const IDLE_MS = 60_000; // then the thread's memory is worth more than its start

/** The thread that compares data with a model's, started by the first call; `close` ends what it is at. */
export function openComparison(): {
  readonly comparison: ComparisonThread;
  close(): Promise<void>;
} {
  const { thread, close } = keepThread<ComparisonThread>(
    new URL("./comparison-thread.ts", import.meta.url),
    async () => {},
    IDLE_MS,
  );
  const comparison: ComparisonThread = {
    check: (task) => thread.check(task).catch(rethrow),
    look: (task) => thread.look(task).catch(rethrow),
    pick: (task, rows) => thread.pick(task, rows).catch(rethrow),
  };
  return { comparison, close };
}

/** A broken input keeps its class: only its name came through the port. */
function rethrow(error: unknown): never {
  if (error instanceof Error && error.name === "FormatError") throw new FormatError(error.message);
  throw error;
}
