import { type Kysely, sql } from "kysely";
import { StartError } from "../../start-error.ts";
import { isStorageFull } from "../../storage-error.ts";
import { isUpToDate, migrate } from "../sql/migrate.ts";
import { createLedger, type OpenDatabase, type RelayLedger } from "../store.ts";
import type { Tables } from "../tables.ts";
import { joinOtherRelays, TELL_EVENTS } from "./other-relays.ts";
import { type DatabaseWaits, ENDLESS, openPostgres } from "./postgres.ts";

/**
 * Open the ledger in the PostgreSQL database at `url` once no other relay is starting, and bring its schema up to date. Throws a StartError if the server does
 * not answer, answers before a commit is on its disk, or holds a ledger of newer software.
 */
export async function openPostgresLedger(url: string): Promise<RelayLedger> {
  const others = await joinOtherRelays(url).catch((error: unknown) => {
    throw startErrorOf(url, error);
  });
  try {
    const { ledger, close } = await opened(url, async (db) => {
      await checkDurability(db);
      await migrate(db);
      for (const statement of TELL_EVENTS) await sql.raw(statement).execute(db);
    });
    return {
      ledger,
      others,
      async close() {
        await others.close();
        await close();
      },
    };
  } catch (error) {
    await others.close();
    throw error;
  }
}

/** Open the ledger at `url` for a command, whose transactions may take long. Throws a StartError where there is none, or where other software wrote it. */
export function openPostgresBeside(url: string): Promise<OpenDatabase> {
  const check = async (db: Kysely<Tables>) => {
    if (await isUpToDate(db)) return;
    throw new StartError(
      `The database ${nameOf(url)} has no ledger of this version of Commonweight: start its relay first.`,
    );
  };
  return opened(url, check, ENDLESS);
}

/** Open the database at `url` for a ledger to be moved into, with the tables of this software. Throws a StartError as above. */
export function openPostgresToFill(url: string): Promise<OpenDatabase> {
  const fill = async (db: Kysely<Tables>) => {
    await checkDurability(db);
    await migrate(db);
  };
  return opened(url, fill, ENDLESS); // nobody else writes, and SQLite's rows come from a disk
}

/** The database at `url`, once `prepare` is through, which may take its time: a migration of large tables does. */
async function opened(
  url: string,
  prepare: (db: Kysely<Tables>) => Promise<void>,
  waits?: DatabaseWaits,
): Promise<OpenDatabase> {
  const preparing = openPostgres(url, ENDLESS);
  try {
    await prepare(preparing);
  } catch (error) {
    throw startErrorOf(url, error);
  } finally {
    await preparing.destroy();
  }
  const db = openPostgres(url, waits);
  return { db, ledger: createLedger(db), close: () => db.destroy() };
}

/** A receipt is sent after the commit, so the commit must be on the server's disk by then. */
async function checkDurability(db: Kysely<Tables>): Promise<void> {
  const { rows } = await sql<{ name: string; setting: string }>`
    select name, setting from pg_settings where name in ('fsync', 'synchronous_commit')`.execute(
    db,
  );
  const off = rows.find(({ setting }) => setting === "off");
  if (off === undefined) return;
  throw new StartError(
    `PostgreSQL's ${off.name} is off, so that a power cut would lose work that the relay has acknowledged: turn it on.`,
  );
}

function startErrorOf(url: string, error: unknown): unknown {
  if (error instanceof StartError || !(error instanceof Error) || isStorageFull(error)) {
    return error;
  }
  const code = "code" in error ? String(error.code) : "";
  const reason = [error.message, code && `(${code})`].filter(Boolean).join(" ");
  return new StartError(
    `The database ${nameOf(url)} cannot be used: ${reason}. Look whether PostgreSQL runs, or change STORE.`,
  );
}

/** A database's URL without what is secret in it. */
function nameOf(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
