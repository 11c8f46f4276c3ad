import { setTimeout as pause } from "node:timers/promises";
import { CompiledQuery, type ControlledTransaction, type Kysely, type Transaction } from "kysely";
import type { RelayEvent } from "../../../core/protocol/schemas/status.ts";
import { isStorageFull, ledgerAway } from "../../storage-error.ts";
import type { Tables } from "../tables.ts";
import { insertEvents } from "./event-rows.ts";

/** A transaction, and the events that its commit makes true: they are numbered once for all writes that share it. */
export type Writing = Transaction<Tables> & { readonly told: RelayEvent[] };

export type Write = <T>(work: (trx: Writing) => Promise<T>) => Promise<T>;

type Pending = {
  work(trx: Writing): Promise<unknown>;
  resolve(value: unknown): void;
  reject(error: unknown): void;
};

const BUSY_MS = 5000; // for another process's lock on SQLite's file, such as a backup tool's, or a PostgreSQL that starts again
const BUSY_PAUSE_MS = 50;
const MAX_GROUP = 256; // bounds how long the first write of a group waits for the last
const GATHER_MS = 4; // writers that come together come again: waiting for them saves most commits, and is not noticed
const ENOUGH = 16; // that wait already: more would save little

/**
 * Writes share transactions: what arrives while one commits goes into the next, each write in its own savepoint, so
 * that one that fails takes no other with it. After writes that came together the next ones are waited for; a lone writer
 * never waits. A write is answered only after the COMMIT that holds it.
 */
export function createGroupCommit(
  db: Kysely<Tables>,
  gather: () => Promise<unknown> = () => pause(GATHER_MS),
): Write {
  const queue: Pending[] = [];
  let running = false;

  async function run(): Promise<void> {
    while (queue.length > 0) {
      const group = queue.splice(0, MAX_GROUP);
      await commitGroup(db, group);
      await nextMacrotask(); // let the messages that arrived meanwhile join the next group
      if (group.length > 1 && queue.length < ENOUGH) await gather();
    }
    running = false;
  }

  return (work) =>
    new Promise((resolve, reject) => {
      queue.push({ work, resolve: resolve as (value: unknown) => void, reject });
      if (running) return;
      running = true;
      void nextMacrotask().then(run);
    });
}

async function commitGroup(db: Kysely<Tables>, group: readonly Pending[]): Promise<void> {
  const done: (() => void)[] = [];
  let transaction: ControlledTransaction<Tables> | null = null;
  try {
    transaction = await begin(db);
    const writing = Object.assign(transaction, { told: [] });
    for (const pending of group) done.push(await runInSavepoint(writing, pending));
    await insertEvents(writing, writing.told);
    await transaction.commit().execute();
  } catch (error) {
    // A full disk or a broken connection fails the whole group: nothing of it is in the ledger, but for a COMMIT without an answer, which may be.
    await transaction?.rollback().execute().catch(ignoreEndedTransaction);
    for (const { reject } of group) reject(error);
    return;
  }
  for (const answer of done) answer();
}

/** Begin a transaction, however long another process holds the lock within reason; reads go on meanwhile. */
async function begin(db: Kysely<Tables>): Promise<ControlledTransaction<Tables>> {
  const startedAt = performance.now();
  for (;;) {
    try {
      return await db.startTransaction().execute();
    } catch (error) {
      const waitedMs = performance.now() - startedAt; // a try may take seconds itself
      if (ledgerAway(error) === null || waitedMs >= BUSY_MS) throw error;
      await pause(BUSY_PAUSE_MS);
    }
  }
}

// compiled once: Kysely's own savepoints make a transaction and a query for each
const SAVEPOINT = CompiledQuery.raw("savepoint one");
const RELEASE = CompiledQuery.raw("release savepoint one");
const ROLL_BACK = CompiledQuery.raw("rollback to savepoint one");

/** Run one write; returns how to answer it once the group is committed. */
async function runInSavepoint(
  trx: Writing,
  { work, resolve, reject }: Pending,
): Promise<() => void> {
  const toldBefore = trx.told.length;
  await trx.executeQuery(SAVEPOINT);
  try {
    const value = await work(trx);
    await trx.executeQuery(RELEASE);
    return () => resolve(value);
  } catch (error) {
    if (isStorageFull(error)) throw error; // SQLite may have rolled back everything by itself
    trx.told.length = toldBefore;
    await trx.executeQuery(ROLL_BACK);
    await trx.executeQuery(RELEASE);
    return () => reject(error);
  }
}

/** SQLite ends the transaction by itself when the disk is full; rolling back once more then fails, which is fine. */
function ignoreEndedTransaction(): void {}

function nextMacrotask(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
