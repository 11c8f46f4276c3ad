import type { SiteStorage } from "./site-storage.ts";

/** What was last read of the relay, kept on this device so that it can be read again offline, and at once. */
export type Memory = {
  /** The value kept under `key`; null if there is none. */
  recall(key: string): unknown;
  keep(key: string, value: unknown): void;
  forget(): void;
};

const KEY = "commonweight-seen";
const MAX_CHARACTERS = 400_000; // a tenth of what browsers give a site, and fifty pages of a history
const WAIT_MS = 500; // writing is slow, and news comes in bursts

/** `build` names the page that wrote it: another one may give the same names another meaning. */
export function createMemory(
  storage: SiteStorage,
  build: string,
  later: (work: () => void, ms: number) => void = (work, ms) => void setTimeout(work, ms),
): Memory {
  const entries = readEntries(storage, build);
  let isWriting = false;

  function write(): void {
    isWriting = false;
    while (true) {
      const text = JSON.stringify({ build, entries: [...entries] });
      const oldest = entries.keys().next();
      if (text.length > MAX_CHARACTERS && !oldest.done) {
        entries.delete(oldest.value);
        continue;
      }
      try {
        storage.setItem(KEY, text);
      } catch {
        // blocked or full: nothing is kept beyond this visit
      }
      return;
    }
  }

  return {
    recall: (key) => entries.get(key) ?? null,
    keep(key, value) {
      entries.delete(key); // so that the order is that of the last use
      entries.set(key, value);
      if (isWriting) return;
      isWriting = true;
      later(write, WAIT_MS);
    },
    forget() {
      entries.clear();
      write();
    },
  };
}

function readEntries(storage: SiteStorage, build: string): Map<string, unknown> {
  try {
    const kept = JSON.parse(storage.getItem(KEY) ?? "null") as {
      readonly build?: unknown;
      readonly entries?: unknown;
    } | null;
    if (kept?.build !== build || !Array.isArray(kept.entries)) return new Map();
    return new Map(kept.entries as [string, unknown][]); // this build wrote it
  } catch {
    return new Map(); // blocked or damaged: as if nothing was seen
  }
}

/** A memory that keeps nothing. */
export const noMemory: Memory = { recall: () => null, keep: () => {}, forget: () => {} };
