import { mkdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import Database from "better-sqlite3";
import { StartError } from "../start-error.ts";
import { isStorageFull } from "../storage-error.ts";

/** Where everything lies that the relay keeps. */
export type DataFolder = {
  readonly path: string;
  readonly ledger: string;
  readonly blobs: string;
  readonly heldOut: string;
  /** Models that are being added, until they are imported. */
  readonly additions: string;
  /** Drafts of files; emptied at every start. */
  readonly temporary: string;
  /** Let another process have the folder. */
  unlock(): void;
};

/** Make or open the data folder for this process alone; a StartError says why it cannot be. */
export async function openDataFolder(dataDir: string): Promise<DataFolder> {
  const path = resolve(dataDir);
  const temporary = join(path, "tmp");
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const unlock = lock(join(path, "lock"), path);
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary);
    return {
      path,
      ledger: join(path, "ledger.db"),
      blobs: join(path, "blobs"),
      heldOut: join(path, "private"),
      additions: join(path, "additions"),
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

/** Hold an exclusive SQLite lock on an empty file: the one lock that Node has and that dies with the process. */
function lock(file: string, path: string): () => void {
  const database = new Database(file, { timeout: 0 });
  try {
    database.pragma("locking_mode = EXCLUSIVE");
    database.exec("begin exclusive");
  } catch (error) {
    database.close();
    if (error instanceof Error && "code" in error && error.code === "SQLITE_BUSY") {
      throw new StartError(
        `The data folder ${path} is in use by another relay: stop that one, or choose another DATA_DIR.`,
      );
    }
    throw error;
  }
  return () => database.close();
}
