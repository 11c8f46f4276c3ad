import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { LRUCache } from "lru-cache";
import { assert } from "../../core/errors.ts";
import { laterDataOf } from "../../core/history/later-data.ts";
import { mostFirst, type ReleaseActs } from "../../core/history/release-acts.ts";
import { decodeVersion } from "../../core/history/version.ts";
import { shardsBefore } from "../../export/release/release.ts";
import type { DataFolder } from "../content/data-folder.ts";
import type { RelayContext, ServedModel } from "../context.ts";
import type { VersionRow } from "../store/tables.ts";
import type { ExportJob, ExportThread, ReleaseJob } from "../threads/export-thread.ts";
import { keepThread } from "../threads/lasting-thread.ts";
import { decodeAct } from "./acts.ts";
import type { Checkpoints } from "./checkpoints.ts";

/** A version as one file on the relay's disk. */
export type Exported = { readonly path: string; readonly sizeBytes: number };

/** What a version is exported as: a difference by what it leads on from, a release with the acts that it stands on. */
export type ExportWish =
  | { readonly as: ExportJob["as"] }
  | { readonly as: "difference"; readonly since: VersionRow; readonly steps: readonly string[] }
  | { readonly as: ReleaseJob["as"]; readonly acts: ReleaseActs };

/** The wish's name, which no other wish about the same version has. */
export function exportName(wish: ExportWish): string {
  if (wish.as === "difference") return `since-${wish.since.number}.safetensors`;
  return "acts" in wish ? `${wish.acts.tag}-${wish.as}` : wish.as;
}

export type Exports = {
  /** The file if it is kept. */
  kept(version: VersionRow, wish: ExportWish): Exported | null;
  /**
   * The file, made now if it is not kept: once, however many ask, and one after the other. Throws an ExportsBusyError where
   * eight others are to be made.
   */
  make(model: ServedModel, version: VersionRow, wish: ExportWish): Promise<Exported>;
};

const KEPT_BYTES = 2 ** 31; // the last few of a model of 124M parameters; of a small one all that anyone asks for
const KEPT_FILES = 200;
const MOST_ASKED = 8; // files to be made, of all models together
const IDLE_MS = 60_000; // then the thread's memory, a model's, is worth more than its start

/** So many files are to be made already that one more would come too late for whoever asks. */
export class ExportsBusyError extends Error {
  override readonly name = "ExportsBusyError";
}

/** Keeps what was asked for last in the folder of drafts, which is emptied at every start. */
export function createExports(
  { content, temporary }: Pick<DataFolder, "content" | "temporary">,
  checkpoints: Checkpoints,
  { status, history, identity }: Pick<RelayContext, "status" | "history" | "identity">,
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
  const keyOf = ({ id }: VersionRow, wish: ExportWish) => `${id}-${exportName(wish)}`;

  async function write(model: ServedModel, version: VersionRow, wish: ExportWish) {
    const key = keyOf(version, wish);
    const known = files.get(key);
    if (known !== undefined) return known;
    const path = join(temporary, key);
    const draft = `${path}.draft`;
    try {
      const start = wish.as === "difference" ? wish.since : version;
      const job = { place: content, from: await checkpoints.blobPath(start), path: draft };
      const sizeBytes = await writeAs(model, version, wish, job);
      await rename(draft, path);
      const exported = { path, sizeBytes };
      files.set(key, exported);
      return exported;
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  }

  function writeAs(
    model: ServedModel,
    version: VersionRow,
    wish: ExportWish,
    job: Pick<ExportJob, "place" | "from" | "path">,
  ): Promise<number> {
    if (wish.as === "difference") return thread.writeDifference({ ...job, steps: wish.steps });
    return "acts" in wish
      ? writeRelease(model, version, wish, job)
      : writeVersion(model, version, wish, job);
  }

  async function writeVersion(
    { recipe, layout }: ServedModel,
    { model, number, id, signed }: VersionRow,
    { as }: Pick<ExportJob, "as">,
    job: Pick<ExportJob, "place" | "from" | "path">,
  ): Promise<number> {
    const contributors = await status.contributorsUpTo(model, number);
    const { record } = decodeVersion(signed);
    const { lineage = [] } = await recordOf(model, 0);
    const laterData = await laterDataOfModel(model);
    const about = { recipe, lineage, contributors, names: [], laterData };
    const version = { ...about, layout, record, id, relay: null };
    return thread.write({ ...job, version, as });
  }

  async function writeRelease(
    { layout }: ServedModel,
    { model, number, id, signed }: VersionRow,
    { as, acts }: { readonly as: ReleaseJob["as"]; readonly acts: ReleaseActs },
    job: Pick<ReleaseJob, "place" | "from" | "path">,
  ): Promise<number> {
    const shares = mostFirst(await status.workShares(model, number));
    const { suites: sealed = [], lineage = [] } = await recordOf(model, 0);
    const parent = number === 0 ? null : await recordOf(model, number - 1);
    const laterData = await laterDataOfModel(model);
    const promised = { lineage, laterData, sealed, openedBefore: parent?.packets };
    const rows = shardsBefore(await history.shards(model), laterData, number);
    const shards = rows.map(({ title, sha256, examples }) => ({ title, sha256, examples }));
    const { record, signature } = decodeVersion(signed);
    const release = { layout, record, id, signature, acts, shares, shards, ...promised };
    return thread.writeRelease({ ...job, release, key: identity.releaseKey, as });
  }

  const laterDataOfModel = async (model: string) =>
    laterDataOf((await history.acts(model)).map(decodeAct));

  async function recordOf(model: string, number: number) {
    const row = await history.version(model, number);
    assert(row !== undefined, `${model} has no version ${number}`);
    return decodeVersion(row.signed).record;
  }

  const exports: Exports = {
    kept: (version, wish) => files.get(keyOf(version, wish)) ?? null,
    make(model, version, wish) {
      const key = keyOf(version, wish);
      const known = making.get(key);
      if (known !== undefined) return known;
      if (making.size >= MOST_ASKED) return Promise.reject(new ExportsBusyError());
      const made = last.then(() => write(model, version, wish)); // two at once would need twice the memory
      last = made.catch(() => {}); // who asked hears of it
      making.set(key, made);
      const done = () => void making.delete(key);
      made.then(done, done);
      return made;
    },
  };
  return { exports, close };
}
