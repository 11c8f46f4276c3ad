import { generateKeyPair, type KeyPair } from "../../core/crypto/signature.ts";
import type { Piece } from "../api.ts";
import { type Connect, connectDatabase, type Database } from "./indexed-db-connection.ts";
import { MAX_BLOB_CACHE_BYTES, newestPieces, type OutboxEntry, type Store } from "./store.ts";
import { blobsToEvict, type CachedBlob, halfOf, writeIfRoom, writeWithRoom } from "./store-room.ts";

type StoredBlob = CachedBlob & { readonly bytes: Uint8Array<ArrayBuffer> };

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
  const connect = connectDatabase(name);
  await connect(); // so that a browser that keeps nothing says so at once
  const evictBlobs = async (limit: (blobs: readonly CachedBlob[]) => number) => {
    const blobs = await (await connect()).getAll("blobUses");
    await deleteBlobs(await connect(), blobsToEvict(blobs, limit(blobs)));
  };
  const dropCaches = async () => {
    const database = await connect();
    const transaction = database.transaction(["blobs", "blobUses", "held"], "readwrite");
    await Promise.all([
      transaction.objectStore("blobs").clear(),
      transaction.objectStore("blobUses").clear(),
      transaction.objectStore("held").clear(),
      transaction.done,
    ]);
  };
  return {
    keyPair: async () => (await (await connect()).get("keys", "contributor")) ?? null,
    createKeyPair: () => createKeyPair(connect),

    async outbox() {
      const entries = await (await connect()).getAll("outbox");
      return entries.sort((a, b) => a.piece.createdAt - b.piece.createdAt);
    },
    putOutbox: (entry) => writeWithRoom(async () => putOutbox(await connect(), entry), dropCaches),
    settle: (piece) => writeWithRoom(async () => settle(await connect(), piece), dropCaches),
    async pieces() {
      const database = await connect();
      const [waiting, settled] = await Promise.all([
        database.getAll("outbox"),
        database.getAll("pieces"),
      ]);
      return newestPieces([...waiting.map(({ piece }) => piece), ...settled]);
    },

    blob: (sha256) => readBlob(connect, sha256, now()),
    async putBlob(sha256, bytes) {
      const blob = { sha256, bytes, sizeBytes: bytes.length, usedAt: now() };
      await writeIfRoom(
        async () => writeBlob(await connect(), blob),
        () => evictBlobs(halfOf),
      );
      await evictBlobs(() => maxBlobBytes);
    },
    deleteBlob: async (sha256) => deleteBlobs(await connect(), [sha256]),

    held: async (model) => (await (await connect()).get("held", model)) ?? null,
    putHeld: (checkpoint) =>
      writeIfRoom(
        async () => {
          await (await connect()).put("held", checkpoint);
        },
        () => evictBlobs(() => 0),
      ),
    deleteHeld: async (model) => (await connect()).delete("held", model),

    deviceCheck: async () => (await (await connect()).get("checks", "device")) ?? null,
    putDeviceCheck: (check) =>
      writeIfRoom(
        async () => {
          await (await connect()).put("checks", check, "device");
        },
        () => evictBlobs(halfOf),
      ),

    async forget() {
      const database = await connect();
      const names = [...database.objectStoreNames];
      const transaction = database.transaction(names, "readwrite", DURABLE);
      await Promise.all([
        ...names.map((name) => transaction.objectStore(name).clear()),
        transaction.done,
      ]);
    },
    async close() {
      (await connect()).close();
    },
  };
}

async function createKeyPair(connect: Connect): Promise<KeyPair> {
  const made = await generateKeyPair(false); // before the transaction, which does not wait for it
  const transaction = (await connect()).transaction("keys", "readwrite", DURABLE);
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
  connect: Connect,
  sha256: string,
  usedAt: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const blob = await (await connect()).get("blobs", sha256);
  if (blob === undefined) return null;
  await (await connect()).put("blobUses", { sha256, sizeBytes: blob.bytes.length, usedAt });
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
