import { access, copyFile, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import Database from "better-sqlite3";
import { sha256 } from "../../core/crypto/signature.ts";
import { MOVED_TO } from "./data-folder.ts";
import { syncFolder } from "./durable-file.ts";
import { openFolder } from "./folder.ts";
import type { Objects } from "./objects.ts";

/** What a relay keeps, and where. */
export type Kept = {
  /** The data folder. */
  readonly dataDir: string;
  /** Blobs, held-out sets and the relay's key. */
  readonly objects: Objects;
};

/** A backup or a restoration cannot be made, as one sentence. */
export class BackupError extends Error {
  override readonly name = "BackupError";
}

export type BackupReport = {
  /** Files that were copied; what the backup had already is not. */
  readonly copied: number;
  /** Content-addressed files whose bytes are others, and which were left out. */
  readonly damaged: readonly string[];
  /** Each model's head in the ledger that was copied. */
  readonly heads: readonly { readonly model: string; readonly head: number }[];
};

export type CopyOptions = {
  /** Hears how many of how many files are done. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Where a test waits between the ledger's snapshot and the files. */
  readonly onSnapshot?: () => Promise<void>;
};

/** Copies the ledger as it is at one moment into a new SQLite file at `path`. */
export type SnapshotLedger = (path: string) => Promise<void>;

const LEDGER = "ledger.db";
const KEY = "relay-key";
const BLOB = /^blobs\/([0-9a-f]{64})$/;
const TOKEN = /^maintainer-token/;

/**
 * Copy what a relay keeps into `to`, also while it writes, so that what lies there can be restored at any moment: first
 * a snapshot of the ledger, then the files, all of which it may name by then, and the snapshot under its name at last. A
 * file that is damaged replaces none. A BackupError if the ledger is damaged or `to` is something else.
 */
export async function backUp(
  { dataDir, objects, snapshot: takeSnapshot }: Kept & { readonly snapshot: SnapshotLedger },
  to: string,
  { onProgress = () => {}, onSnapshot = async () => {} }: CopyOptions = {},
): Promise<BackupReport> {
  await refuseForeign(to);
  await mkdir(join(to, "tmp"), { recursive: true, mode: 0o700 });
  const snapshot = join(to, "ledger.part");
  await rm(snapshot, { force: true });
  await takeSnapshot(snapshot);
  await sync(snapshot);
  const heads = headsOf(snapshot);
  await onSnapshot();
  const { copied, damaged } = await copyFiles(objects, openBackup(to), onProgress);
  const tokens = await copyTokens(dataDir, to);
  await rename(snapshot, join(to, LEDGER));
  await rm(join(to, "tmp"), { recursive: true, force: true });
  await syncFolder(to);
  return { copied: copied + tokens + 1, damaged, heads };
}

/**
 * Make of the backup in `from` what a relay starts on, with its ledger in SQLite. A BackupError, with nothing changed, if
 * `from` is no whole backup, its ledger is damaged, or there is a ledger or another relay's key already.
 */
export async function restore(
  from: string,
  { dataDir, objects }: Kept,
  { onProgress = () => {} }: CopyOptions = {},
): Promise<BackupReport> {
  for (const name of [LEDGER, KEY]) {
    if (await isThere(join(from, name))) continue;
    throw new BackupError(`${from} is no whole backup: it has no ${name}.`);
  }
  if (await isThere(join(dataDir, LEDGER))) {
    throw new BackupError(
      `There is a ledger in ${dataDir}, and nothing was changed: move it away, or choose another folder.`,
    );
  }
  const heads = headsOf(join(from, LEDGER));
  const [key, other] = [await openBackup(from).read(KEY), await objects.read(KEY)];
  if (other !== null && !isDeepStrictEqual(key, other)) {
    throw new BackupError(
      "There is another relay's key among the files, and nothing was changed: name an empty bucket or another folder.",
    );
  }
  await mkdir(join(dataDir, "tmp"), { recursive: true, mode: 0o700 });
  const { copied, damaged } = await copyFiles(openBackup(from), objects, onProgress);
  const tokens = await copyTokens(from, dataDir);
  await copyDurably(join(from, LEDGER), join(dataDir, LEDGER));
  await syncFolder(dataDir);
  return { copied: copied + tokens + 1, damaged, heads };
}

const openBackup = (path: string) =>
  openFolder({ kind: "folder", path, temporary: join(path, "tmp") });

/** Anything but an earlier backup, whole or cut short, is not to be mixed with one. */
async function refuseForeign(to: string): Promise<void> {
  const names = await readdir(to).catch(() => []); // not there: it is made
  const known = new Set([LEDGER, KEY, "ledger.part", "blobs", "private", "unentered", "tmp"]);
  const foreign = names.find((name) => !known.has(name) && !TOKEN.test(name));
  if (foreign === undefined) return;
  throw new BackupError(
    `${to} is not empty and no backup (there is ${foreign}): choose another folder.`,
  );
}

/** A copy of SQLite's ledger in `dataDir` as it is at one moment. A BackupError if there is none. */
export async function snapshotSqlite(dataDir: string, to: string): Promise<void> {
  const from = join(dataDir, LEDGER);
  if (!(await isThere(from))) {
    throw new BackupError(`There is no ledger in ${dataDir}: is that the relay's data folder?`);
  }
  const database = new Database(from, { fileMustExist: true });
  try {
    database.prepare("vacuum into ?").run(to);
  } finally {
    database.close();
  }
}

/** Each model's head in a ledger that no process has open; a BackupError if the ledger is damaged. */
function headsOf(path: string): BackupReport["heads"] {
  try {
    const database = new Database(path, { readonly: true });
    try {
      const found = database.pragma("quick_check(1)", { simple: true });
      if (found !== "ok") throw new Error(String(found));
      const moved = database.prepare("select value from settings where name = ?").get(MOVED_TO);
      if (moved !== undefined) throw new Error("it was moved to PostgreSQL, so dump that instead");
      return database.prepare("select id as model, head from models order by id").all() as {
        model: string;
        head: number;
      }[];
    } finally {
      database.close();
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BackupError(`The ledger of the backup cannot be used: ${reason}.`);
  }
}

async function copyFiles(
  from: Objects,
  to: Objects,
  onProgress: (done: number, total: number) => void,
): Promise<{ copied: number; damaged: string[] }> {
  const listed = [
    ...(await from.list("private")),
    ...(await from.list("blobs")),
    ...(await from.list("unentered")), // after the blobs of which it says that no commit named them
  ];
  const names = [KEY, ...listed.map(({ name }) => name)];
  const damaged: string[] = [];
  let copied = 0;
  for (const [i, name] of names.entries()) {
    onProgress(i, names.length);
    const isBlob = name.startsWith("blobs/");
    const size = await from.size(name);
    if (size === null || (isBlob && (await to.size(name)) === size)) continue; // blobs never change
    const bytes = await from.read(name);
    if (bytes === null) continue; // erased meanwhile
    const id = BLOB.exec(name)?.[1];
    if (id !== undefined && (await sha256(bytes)) !== id) damaged.push(name);
    else {
      await to.put(name, bytes);
      copied++;
    }
  }
  return { copied, damaged };
}

/** Maintainers' tokens, which lie beside the ledger until their owners fetch them. Returns how many. */
async function copyTokens(from: string, to: string): Promise<number> {
  const names = (await readdir(from).catch(() => [])).filter((name) => TOKEN.test(name)); // no folder, no token
  for (const name of names) await copyDurably(join(from, name), join(to, name));
  return names.length;
}

/** Copy through a draft beside the target: a copy that is cut short leaves the old file. */
async function copyDurably(source: string, target: string): Promise<void> {
  const draft = `${target}.part`;
  await copyFile(source, draft);
  await sync(draft);
  await rename(draft, target);
}

async function sync(path: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
