import { type DBSchema, type IDBPDatabase, openDB, type StoreNames } from "idb";
import type { KeyPair } from "../../core/crypto/signature.ts";
import type { Piece } from "../api.ts";
import { describeStoreFault, STORE_SILENT, StoppedError } from "../run/words.ts";
import type { ExchangedBytes, HeldCheckpoint, OutboxEntry, PassedCheck } from "./store.ts";
import type { CachedBlob } from "./store-room.ts";

interface Schema extends DBSchema {
  keys: { key: "contributor"; value: KeyPair };
  outbox: { key: string; value: OutboxEntry };
  pieces: { key: string; value: Piece };
  begun: { key: "piece"; value: Uint8Array<ArrayBuffer> };
  blobs: { key: string; value: { sha256: string; bytes: Uint8Array<ArrayBuffer> } };
  /** Beside the blobs, so that choosing what to evict reads none of them. */
  blobUses: { key: string; value: CachedBlob };
  held: { key: string; value: HeldCheckpoint };
  checks: { key: "device"; value: PassedCheck };
  /** Relays' keys by their origins. */
  relays: { key: string; value: string };
  exchanged: { key: "all"; value: ExchangedBytes };
}
export type Database = IDBPDatabase<Schema>;

/**
 * Do `work` on the open database. Work that meets a connection which was lost is done once more on a new one, so it
 * must be whole: one transaction, or reads. Throws a StoppedError where there is no database to be had.
 */
export type Connect = <T>(work: (database: Database) => Promise<T>) => Promise<T>;

const OPEN_MS = 10_000; // a browser that opens it at all does so within a second, on a busy phone within five

const VERSION = 5;

const STORES: readonly (readonly [StoreNames<Schema>, IDBObjectStoreParameters?])[] = [
  ["keys"],
  ["outbox", { keyPath: "piece.id" }],
  ["pieces", { keyPath: "id" }],
  ["begun"],
  ["blobs", { keyPath: "sha256" }],
  ["blobUses", { keyPath: "sha256" }],
  ["held", { keyPath: "model" }],
  ["checks"],
  ["relays"],
  ["exchanged"],
];

/**
 * A connection to the database `name` that outlives its closing: by the browser, or to make way for a newer
 * page that upgrades it. An upgrade leaves what this page knows of, so that it can end its work.
 */
export function connectDatabase(name: string, openMs = OPEN_MS): Connect {
  let connection: Promise<Database> | null = null;
  let version: number | undefined = VERSION;

  async function open(): Promise<Database> {
    const database = await openDB<Schema>(name, version, {
      upgrade: createStores,
      blocking(_, wanted) {
        connection = null;
        version = wanted === null ? VERSION : undefined; // deleted, or else as new as it will be
        database.close();
      },
      terminated() {
        connection = null;
      },
    });
    return database;
  }
  function connected(): Promise<Database> {
    connection ??= within(openMs, open()).catch((error: unknown) => {
      connection = null;
      throw error instanceof StoppedError ? error : new StoppedError(describeStoreFault(error));
    });
    return connection;
  }

  return async (work) => {
    try {
      return await work(await connected());
    } catch (error) {
      if (!isLost(error)) throw error;
      const lost = await connection;
      connection = null;
      lost?.close();
      return await work(await connected());
    }
  };
}

/** Whether an error says that the connection went away under the work. */
function isLost(error: unknown): boolean {
  return error instanceof Error && ["InvalidStateError", "AbortError"].includes(error.name);
}

/** What `opening` comes to; a database that is open too late is closed again. */
async function within(ms: number, opening: Promise<Database>): Promise<Database> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms);
  });
  const database = await Promise.race([opening, late]).finally(() => clearTimeout(timer));
  if (database !== null) return database;
  opening.then(
    (open) => open.close(),
    () => {}, // said already: it does not answer
  );
  throw new StoppedError(STORE_SILENT);
}

/** Create what is not there: a database without a newer page's version to go by is made as version 1, with all. */
function createStores(database: Database): void {
  for (const [name, options] of STORES) {
    if (!database.objectStoreNames.contains(name)) database.createObjectStore(name, options);
  }
}
