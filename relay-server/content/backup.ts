import {
  access,
  copyFile,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import Database from "better-sqlite3";
import { sha256 } from "../../core/crypto/signature.ts";
import { MOVED_TO } from "./data-folder.ts";
import { syncFolder } from "./durable-file.ts";

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

const LEDGER = "ledger.db";
const BLOB = /^[0-9a-f]{64}$/;
const OWN_FILES = /^(relay-key|maintainer-token.*)$/;

/**
 * Copy a data folder into `to`, also while a relay writes to it, so that what lies there can be restored at any moment: first
 * a snapshot of the ledger, then the files, all of which it may name by then, and the snapshot under its name at last. A
 * file that is damaged replaces none. A BackupError if `from` has no ledger or `to` is something else.
 */
export async function backUp(
  from: string,
  to: string,
  { onProgress = () => {}, onSnapshot = async () => {} }: CopyOptions = {},
): Promise<BackupReport> {
  if (!(await isThere(join(from, LEDGER)))) {
    throw new BackupError(`There is no ledger in ${from}: is that the relay's data folder?`);
  }
  await refuseForeign(to);
  await mkdir(to, { recursive: true, mode: 0o700 });
  const snapshot = join(to, "ledger.part");
  const heads = await snapshotLedger(join(from, LEDGER), snapshot);
  await onSnapshot();
  const { copied, damaged } = await copyFiles(from, to, onProgress);
  await rename(snapshot, join(to, LEDGER));
  await syncFolder(to);
  return { copied: copied + 1, damaged, heads };
}

/**
 * Make a data folder at `to` of the backup in `from`. A BackupError, with nothing changed, if `from` is no whole backup, its
 * ledger is damaged, or `to` has a ledger already.
 */
export async function restore(
  from: string,
  to: string,
  { onProgress = () => {} }: CopyOptions = {},
): Promise<BackupReport> {
  for (const name of [LEDGER, "relay-key"]) {
    if (await isThere(join(from, name))) continue;
    throw new BackupError(`${from} is no whole backup: it has no ${name}.`);
  }
  if (await isThere(join(to, LEDGER))) {
    throw new BackupError(
      `There is a ledger in ${to}, and nothing was changed: move it away, or choose another folder.`,
    );
  }
  const heads = headsOf(join(from, LEDGER));
  await mkdir(to, { recursive: true, mode: 0o700 });
  const { copied, damaged } = await copyFiles(from, to, onProgress);
  await copyDurably(join(from, LEDGER), join(to, LEDGER));
  await syncFolder(to);
  return { copied: copied + 1, damaged, heads };
}

/** Anything but an earlier backup, whole or cut short, is not to be mixed with one. */
async function refuseForeign(to: string): Promise<void> {
  const names = await readdir(to).catch(() => []); // not there: it is made
  const known = new Set([LEDGER, "ledger.part", "blobs", "private"]);
  const foreign = names.find((name) => !known.has(name) && !OWN_FILES.test(name));
  if (foreign === undefined) return;
  throw new BackupError(
    `${to} is not empty and no backup (there is ${foreign}): choose another folder.`,
  );
}

/** A copy of the ledger as it is at one moment, on the disk when it resolves. */
async function snapshotLedger(from: string, to: string): Promise<BackupReport["heads"]> {
  await rm(to, { force: true });
  const database = new Database(from, { fileMustExist: true });
  try {
    database.prepare("vacuum into ?").run(to);
  } finally {
    database.close();
  }
  await sync(to);
  return headsOf(to);
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
  from: string,
  to: string,
  onProgress: (done: number, total: number) => void,
): Promise<{ copied: number; damaged: string[] }> {
  const names = await filesOf(from);
  const damaged: string[] = [];
  let copied = 0;
  for (const [i, name] of names.entries()) {
    onProgress(i, names.length);
    const [source, target] = [join(from, name), join(to, name)];
    const isBlob = name.startsWith("blobs");
    const size = await sizeOf(source);
    if (size === null) continue; // erased meanwhile
    if (isBlob && (await sizeOf(target)) === size) continue; // blobs never change
    const id = name.slice(-64);
    if (isBlob && BLOB.test(id) && !(await hasHash(source, id))) damaged.push(name);
    else {
      await copyDurably(source, target);
      copied++;
    }
  }
  return { copied, damaged };
}

/** Paths under `folder` of all that a relay keeps beside its ledger. */
async function filesOf(folder: string): Promise<string[]> {
  const own = (await readdir(folder)).filter((name) => OWN_FILES.test(name)).sort();
  const others: string[] = [];
  for (const top of ["private", "blobs"]) {
    if (!(await isThere(join(folder, top)))) continue;
    const entries = await readdir(join(folder, top), { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      if (entry.isFile()) others.push(join(entry.parentPath, entry.name).slice(folder.length + 1));
    }
  }
  return [...own, ...others];
}

/** Copy through a draft beside the target: a copy that is cut short leaves the old file. */
async function copyDurably(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  const draft = `${target}.part`;
  await copyFile(source, draft);
  await sync(draft);
  await rename(draft, target);
  await syncFolder(dirname(target));
}

async function sync(path: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

async function hasHash(path: string, id: string): Promise<boolean> {
  return (await sha256(new Uint8Array(await readFile(path)))) === id;
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
