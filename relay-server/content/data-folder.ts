import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import Database from "better-sqlite3";
import { StartError } from "../start-error.ts";
import { isStorageFull } from "../storage-error.ts";
import type { Bucket } from "./bucket.ts";
import type { ObjectsPlace } from "./open-objects.ts";

/** The setting of a folder's ledger that has gone on elsewhere: a relay that began here again would sign a second history. */
export const MOVED_TO = "moved-to";

/** Where everything lies that the relay keeps. */
export type DataFolder = {
  readonly path: string;
  readonly ledger: string;
  /** Where blobs, held-out sets and the relay's key lie, and models that are being added: here or in the bucket. */
  readonly content: ObjectsPlace;
  /** Drafts of files, this process's alone. */
  readonly temporary: string;
  /** Let another process have the folder. */
  unlock(): void;
};

/**
 * Make or open the data folder: for this process alone, or for several relays where `isShared`; files lie in `bucket` if there is one. Drafts of processes that are
 * gone are deleted. A StartError says why it cannot be.
 */
export async function openDataFolder(
  dataDir: string,
  { isShared, bucket = null }: { readonly isShared: boolean; readonly bucket?: Bucket | null },
): Promise<DataFolder> {
  const path = resolve(dataDir);
  const drafts = join(path, "tmp");
  const temporary = isShared ? join(drafts, randomUUID()) : drafts;
  const clean = () => rm(drafts, { recursive: true, force: true });
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const file = join(path, "lock");
    const unlock = isShared
      ? await lockWithOthers(file, path, clean)
      : await lock(file, path, clean);
    await mkdir(temporary, { recursive: true });
    return {
      path,
      ledger: join(path, "ledger.db"),
      content: bucket ?? { kind: "folder", path, temporary },
      temporary,
      unlock,
    };
  } catch (error) {
    if (error instanceof StartError || isStorageFull(error)) throw error;
    const code = error instanceof Error && "code" in error ? error.code : error;
    throw new StartError(
      `The data folder ${path} cannot be written (${code}): change its owner, or choose another DATA_DIR.`,
    );
  }
}

const CLEANING_MS = 5000; // that a relay which shares the folder waits for another one to delete old drafts

/** Hold an exclusive SQLite lock on an empty file: the one lock that Node has and that dies with the process. */
async function lock(file: string, path: string, clean: () => Promise<void>): Promise<() => void> {
  const database = new Database(file, { timeout: 0 });
  try {
    database.exec("begin exclusive");
    await clean();
  } catch (error) {
    database.close();
    throw isBusy(error) ? inUse(path) : error;
  }
  return () => database.close();
}

/** Hold a shared lock on it, which keeps a relay out that wants the folder alone; clean up first where nobody else is there. */
async function lockWithOthers(
  file: string,
  path: string,
  clean: () => Promise<void>,
): Promise<() => void> {
  await lock(file, path, clean).then(
    (unlock) => unlock(),
    (error: unknown) => {
      if (!(error instanceof StartError)) throw error; // else others are there, and their drafts
    },
  );
  const database = new Database(file, { timeout: CLEANING_MS });
  try {
    database.exec("begin");
    database.prepare("select count(*) from sqlite_schema").get(); // the read takes the lock
  } catch (error) {
    database.close();
    throw isBusy(error) ? inUse(path) : error;
  }
  return () => database.close();
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "SQLITE_BUSY";
}

function inUse(path: string): StartError {
  return new StartError(
    `The data folder ${path} is in use by another relay: stop that one, or choose another DATA_DIR.`,
  );
}
