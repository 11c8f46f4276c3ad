import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { LRUCache } from "lru-cache";
import { assert } from "../../core/errors.ts";
import { decodeVersion } from "../../core/history/version.ts";
import type { DataFolder } from "../content/data-folder.ts";
import type { ServedModel } from "../context.ts";
import type { HistoryStore, StatusStore } from "../store/store.ts";
import type { VersionRow } from "../store/tables.ts";
import type { ExportJob, ExportThread } from "../threads/export-thread.ts";
import { keepThread } from "../threads/lasting-thread.ts";
import type { Checkpoints } from "./checkpoints.ts";

/** A version as one file on the relay's disk. */
export type Exported = { readonly path: string; readonly sizeBytes: number };

/** What a version is exported as. */
export type ExportName = ExportJob["as"];

export type Exports = {
  /** The file if it is kept. */
  kept(version: VersionRow, as: ExportName): Exported | null;
  /**
   * The file, made now if it is not kept: once, however many ask, and one after the other. Throws an ExportsBusyError where
   * eight others are to be made.
   */
  make(model: ServedModel, version: VersionRow, as: ExportName): Promise<Exported>;
};

const KEPT_BYTES = 2 ** 31; // the last few of a model of 124M parameters; of a small one all that anyone asks for
const KEPT_FILES = 200;
const MOST_ASKED = 8; // files to be made, of all models together
const IDLE_MS = 60_000; // then the thread's memory, a model's, is worth more than its start

/** So many files are to be made already that one more would come too late for whoever asks. */
export class ExportsBusyError extends Error {
  override readonly name = "ExportsBusyError";
}

/** What a card says of a version beside its record. */
type CardFacts = {
  readonly status: Pick<StatusStore, "contributorsUpTo">;
  readonly history: Pick<HistoryStore, "version">;
};

/** Keeps what was asked for last in the folder of drafts, which is emptied at every start. */
export function createExports(
  { content, temporary }: Pick<DataFolder, "content" | "temporary">,
  checkpoints: Checkpoints,
  { status, history }: CardFacts,
): { readonly exports: Exports; close(): Promise<void> } {
  const files = new LRUCache<string, Exported>({
    max: KEPT_FILES,
    maxSize: KEPT_BYTES,
    sizeCalculation: ({ sizeBytes }) => Math.min(sizeBytes, KEPT_BYTES), // a larger one is the only one kept
    // a reader that has it open reads on
    dispose: ({ path }) => void rm(path, { force: true }).catch(console.error),
  });
  const { thread, close } = keepThread<ExportThread>(
    new URL("../threads/export-thread.ts", import.meta.url),
    async () => {},
    IDLE_MS,
  );
  const making = new Map<string, Promise<Exported>>();
  let last: Promise<unknown> = Promise.resolve();
  const keyOf = ({ id }: VersionRow, as: ExportName) => `${id}-${as}`;

  async function write({ recipe, layout }: ServedModel, version: VersionRow, as: ExportName) {
    const key = keyOf(version, as);
    const known = files.get(key);
    if (known !== undefined) return known;
    const path = join(temporary, key);
    const draft = `${path}.draft`;
    try {
      const contributors = await status.contributorsUpTo(version.model, version.number);
      const { record } = decodeVersion(version.signed);
      const zero = await history.version(version.model, 0);
      assert(zero !== undefined, `${version.model} has no version 0`);
      const { lineage = [] } = decodeVersion(zero.signed).record;
      const sizeBytes = await thread.write({
        place: content,
        from: await checkpoints.blobPath(version),
        version: { recipe, layout, record, id: version.id, relay: null, lineage, contributors },
        as,
        path: draft,
      });
      await rename(draft, path);
      const exported = { path, sizeBytes };
      files.set(key, exported);
      return exported;
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  }

  const exports: Exports = {
    kept: (version, as) => files.get(keyOf(version, as)) ?? null,
    make(model, version, as) {
      const key = keyOf(version, as);
      const known = making.get(key);
      if (known !== undefined) return known;
      if (making.size >= MOST_ASKED) return Promise.reject(new ExportsBusyError());
      const made = last.then(() => write(model, version, as)); // two at once would need twice the memory
      last = made.catch(() => {}); // who asked hears of it
      making.set(key, made);
      const done = () => void making.delete(key);
      made.then(done, done);
      return made;
    },
  };
  return { exports, close };
}
