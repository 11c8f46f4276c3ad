import { type DBSchema, type IDBPDatabase, openDB, type StoreNames } from "idb";
import type { KeyPair } from "../../core/crypto/signature.ts";
import type { Piece } from "../api.ts";
import { describeStoreFault, StoppedError } from "../run/words.ts";
import type { HeldCheckpoint, OutboxEntry, PassedCheck } from "./store.ts";
import type { CachedBlob } from "./store-room.ts";

interface Schema extends DBSchema {
  keys: { key: "contributor"; value: KeyPair };
  outbox: { key: string; value: OutboxEntry };
  pieces: { key: string; value: Piece };
  blobs: { key: string; value: { sha256: string; bytes: Uint8Array<ArrayBuffer> } };
  /** Beside the blobs, so that choosing what to evict reads none of them. */
  blobUses: { key: string; value: CachedBlob };
  held: { key: string; value: HeldCheckpoint };
  checks: { key: "device"; value: PassedCheck };
}
export type Database = IDBPDatabase<Schema>;

/** The open database. To be asked anew for each transaction: the one before may have been closed. */
export type Connect = () => Promise<Database>;

const VERSION = 2;

const STORES: readonly (readonly [StoreNames<Schema>, IDBObjectStoreParameters?])[] = [
  ["keys"],
  ["outbox", { keyPath: "piece.id" }],
  ["pieces", { keyPath: "id" }],
  ["blobs", { keyPath: "sha256" }],
  ["blobUses", { keyPath: "sha256" }],
  ["held", { keyPath: "model" }],
  ["checks"],
];

/**
 * A connection to the database `name` that outlives its closing: by the browser, or to make way for a newer
 * page that upgrades it. An upgrade leaves what this page knows of, so that it can end its work.
 */
export function connectDatabase(name: string): Connect {
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
  return () => {
    connection ??= open().catch((error: unknown) => {
      connection = null;
      throw new StoppedError(describeStoreFault(error));
    });
    return connection;
  };
}

/** Create what is not there: a database without a newer page's version to go by is made as version 1, with all. */
function createStores(database: Database): void {
  for (const [name, options] of STORES) {
    if (!database.objectStoreNames.contains(name)) database.createObjectStore(name, options);
  }
}
