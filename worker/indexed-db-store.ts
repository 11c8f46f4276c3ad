import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import { generateKeyPair, type KeyPair } from "../core/crypto/signature.ts";
import type { Piece } from "./api.ts";
import {
  type HeldCheckpoint,
  MAX_BLOB_CACHE_BYTES,
  newestPieces,
  type OutboxEntry,
  type PassedCheck,
  type Store,
} from "./store.ts";
import { blobsToEvict, type CachedBlob, halfOf, writeIfRoom, writeWithRoom } from "./store-room.ts";

type StoredBlob = CachedBlob & { readonly bytes: Uint8Array<ArrayBuffer> };

interface Schema extends DBSchema {
  keys: { key: "contributor"; value: KeyPair };
  outbox: { key: string; value: OutboxEntry };
  pieces: { key: string; value: Piece };
  blobs: { key: string; value: Pick<StoredBlob, "sha256" | "bytes"> };
  /** Beside the blobs, so that choosing what to evict reads none of them. */
  blobUses: { key: string; value: CachedBlob };
  held: { key: string; value: HeldCheckpoint };
  checks: { key: "device"; value: PassedCheck };
}
type Database = IDBPDatabase<Schema>;

const DURABLE = { durability: "strict" } as const; // on the disk before the transaction is complete

/** The store of a browser, in the database `name`; its private key cannot be read out by any script. */
export async function openIndexedDbStore({
  name = "commonweight",
  now,
  maxBlobBytes = MAX_BLOB_CACHE_BYTES,
}: {
  name?: string;
  now: () => number;
  maxBlobBytes?: number;
}): Promise<Store> {
  const database = await openDatabase(name);
  const evictBlobs = async (limit: (blobs: readonly CachedBlob[]) => number) => {
    const blobs = await database.getAll("blobUses");
    await deleteBlobs(database, blobsToEvict(blobs, limit(blobs)));
  };
  const dropCaches = async () => {
    const transaction = database.transaction(["blobs", "blobUses", "held"], "readwrite");
    await Promise.all([
      transaction.objectStore("blobs").clear(),
      transaction.objectStore("blobUses").clear(),
      transaction.objectStore("held").clear(),
      transaction.done,
    ]);
  };
  return {
    keyPair: async () => (await database.get("keys", "contributor")) ?? null,
    createKeyPair: () => createKeyPair(database),

    async outbox() {
      const entries = await database.getAll("outbox");
      return entries.sort((a, b) => a.piece.createdAt - b.piece.createdAt);
    },
    putOutbox: (entry) => writeWithRoom(() => putOutbox(database, entry), dropCaches),
    settle: (piece) => writeWithRoom(() => settle(database, piece), dropCaches),
    async pieces() {
      const waiting = await database.getAll("outbox");
      const settled = await database.getAll("pieces");
      return newestPieces([...waiting.map(({ piece }) => piece), ...settled]);
    },

    blob: (sha256) => readBlob(database, sha256, now()),
    async putBlob(sha256, bytes) {
      const blob = { sha256, bytes, sizeBytes: bytes.length, usedAt: now() };
      await writeIfRoom(
        () => writeBlob(database, blob),
        () => evictBlobs(halfOf),
      );
      await evictBlobs(() => maxBlobBytes);
    },
    deleteBlob: (sha256) => deleteBlobs(database, [sha256]),

    held: async (model) => (await database.get("held", model)) ?? null,
    putHeld: (checkpoint) =>
      writeIfRoom(
        async () => {
          await database.put("held", checkpoint);
        },
        () => evictBlobs(() => 0),
      ),
    deleteHeld: (model) => database.delete("held", model),

    deviceCheck: async () => (await database.get("checks", "device")) ?? null,
    putDeviceCheck: (check) =>
      writeIfRoom(
        async () => {
          await database.put("checks", check, "device");
        },
        () => evictBlobs(halfOf),
      ),

    async forget() {
      const names = [...database.objectStoreNames];
      const transaction = database.transaction(names, "readwrite", DURABLE);
      await Promise.all([
        ...names.map((name) => transaction.objectStore(name).clear()),
        transaction.done,
      ]);
    },
    async close() {
      database.close();
    },
  };
}

function openDatabase(name: string): Promise<Database> {
  const opened = openDB<Schema>(name, 2, {
    upgrade(database, from) {
      database.createObjectStore("checks");
      if (from === 1) return;
      database.createObjectStore("keys");
      database.createObjectStore("outbox", { keyPath: "piece.id" });
      database.createObjectStore("pieces", { keyPath: "id" });
      database.createObjectStore("blobs", { keyPath: "sha256" });
      database.createObjectStore("blobUses", { keyPath: "sha256" });
      database.createObjectStore("held", { keyPath: "model" });
    },
    // a newer page in another tab wants to upgrade: make way, this tab's next use says what happened
    blocking: async () => (await opened).close(),
  });
  return opened;
}

async function createKeyPair(database: Database): Promise<KeyPair> {
  const made = await generateKeyPair(false); // before the transaction, which does not wait for it
  const transaction = database.transaction("keys", "readwrite", DURABLE);
  const kept = await transaction.store.get("contributor");
  if (kept === undefined) await transaction.store.put(made, "contributor");
  await transaction.done;
  return kept ?? made;
}

async function putOutbox(database: Database, entry: OutboxEntry): Promise<void> {
  const transaction = database.transaction("outbox", "readwrite", DURABLE);
  await Promise.all([transaction.store.put(entry), transaction.done]);
}

async function settle(database: Database, piece: Piece): Promise<void> {
  const transaction = database.transaction(["outbox", "pieces"], "readwrite", DURABLE);
  const pieces = transaction.objectStore("pieces");
  await Promise.all([transaction.objectStore("outbox").delete(piece.id), pieces.put(piece)]);
  const all = await pieces.getAll();
  const kept = new Set(newestPieces(all).map(({ id }) => id));
  await Promise.all(all.filter(({ id }) => !kept.has(id)).map(({ id }) => pieces.delete(id)));
  await transaction.done;
}

async function readBlob(
  database: Database,
  sha256: string,
  usedAt: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const blob = await database.get("blobs", sha256);
  if (blob === undefined) return null;
  await database.put("blobUses", { sha256, sizeBytes: blob.bytes.length, usedAt });
  return blob.bytes;
}

async function writeBlob(database: Database, blob: StoredBlob): Promise<void> {
  const { sha256, bytes, sizeBytes, usedAt } = blob;
  const transaction = database.transaction(["blobs", "blobUses"], "readwrite");
  await Promise.all([
    transaction.objectStore("blobs").put({ sha256, bytes }),
    transaction.objectStore("blobUses").put({ sha256, sizeBytes, usedAt }),
    transaction.done,
  ]);
}

async function deleteBlobs(database: Database, names: readonly string[]): Promise<void> {
  const transaction = database.transaction(["blobs", "blobUses"], "readwrite");
  const blobs = transaction.objectStore("blobs");
  const uses = transaction.objectStore("blobUses");
  await Promise.all([
    ...names.flatMap((sha256) => [blobs.delete(sha256), uses.delete(sha256)]),
    transaction.done,
  ]);
}
