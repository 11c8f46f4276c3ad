import { access } from "node:fs/promises";
import { StartError } from "../../start-error.ts";
import { isUpToDate } from "../sql/migrate.ts";
import { createLedger, type OpenDatabase } from "../store.ts";
import { openSqlite } from "./sqlite.ts";

/**
 * Open the SQLite ledger at `path` for a command, also while a relay has it open: SQLite shares it between processes. A
 * StartError where there is none, or where other software wrote it: nothing is migrated under a running relay.
 */
export async function openSqliteBeside(path: string): Promise<OpenDatabase> {
  await access(path).catch(() => {
    throw new StartError(`There is no ledger at ${path}: is that the relay's data folder?`);
  });
  const db = openSqlite(path);
  if (!(await isUpToDate(db))) {
    await db.destroy();
    throw new StartError(
      `The ledger ${path} was written by another version of Commonweight: start the relay of this one first.`,
    );
  }
  return { db, ledger: createLedger(db), close: () => db.destroy() };
}
