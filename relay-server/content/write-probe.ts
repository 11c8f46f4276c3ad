import { outageWords } from "../storage-error.ts";

/** Finds out by writing whether the relay can write, so that Health tells no tales between two contributions. */
export type WriteProbe = {
  /** Why nothing can be written, in plain words; null where the last probe could. */
  problem(): string | null;
  close(): void;
};

const EVERY_MS = 5000;
const PATIENCE_MS = 10_000; // longer than anything may hold the ledger's lock

/** Call `write`, which leaves something small on the disk, every five seconds; `onChange` hears when it begins or ceases to fail. */
export function startWriteProbe(write: () => Promise<void>, onChange: () => void): WriteProbe {
  let problem: string | null = null;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  function note(found: string | null): void {
    if (isClosed || found === problem) return;
    problem = found;
    onChange();
  }
  async function probe(): Promise<void> {
    const late = setTimeout(() => note("the relay's disk does not answer"), PATIENCE_MS).unref();
    try {
      await write();
      note(null);
    } catch (error) {
      note(describe(error));
    } finally {
      clearTimeout(late);
      if (!isClosed) timer = setTimeout(probe, EVERY_MS).unref();
    }
  }
  timer = setTimeout(probe, EVERY_MS).unref();
  return {
    problem: () => problem,
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

function describe(error: unknown): string {
  const outage = outageWords(error);
  if (outage !== null) return outage;
  const code = error instanceof Error && "code" in error ? ` (${String(error.code)})` : "";
  return `the relay cannot write to its disk${code}`;
}
