import { generateKeyPair, type KeyPair } from "../../core/crypto/signature.ts";
import type { Piece } from "../api.ts";
import { type Connect, connectDatabase, type Database } from "./indexed-db-connection.ts";
import {
  type ExchangedBytes,
  MAX_BLOB_CACHE_BYTES,
  NOTHING_EXCHANGED,
  newestPieces,
  type OutboxEntry,
  type Store,
  sumExchanged,
} from "./store.ts";
import { blobsToEvict, type CachedBlob, halfOf, writeIfRoom, writeWithRoom } from "./store-room.ts";

type StoredBlob = CachedBlob & { readonly bytes: Uint8Array<ArrayBuffer> };

const DURABLE = { durability: "strict" } as const; // on the disk before the transaction is complete

/** A store whose key can be replaced, as by somebody who brings one from another device. */
export type BrowserStore = Store & { putKeyPair(keys: KeyPair): Promise<void> };

/** The store of a browser, in the database `name`. */
export async function openIndexedDbStore({
  name = "commonweight",
  now,
  maxBlobBytes = MAX_BLOB_CACHE_BYTES,
}: {
  name?: string;
  now: () => number;
  maxBlobBytes?: number;
}): Promise<BrowserStore> {
  const connect = connectDatabase(name);
  await connect(async () => {}); // so that a browser that keeps nothing says so at once
  const evictBlobs = async (limit: (blobs: readonly CachedBlob[]) => number) => {
    await connect(async (database) => {
      const blobs = await database.getAll("blobUses");
      await deleteBlobs(database, blobsToEvict(blobs, limit(blobs)));
    });
  };
  const dropCaches = () =>
    connect(async (database) => {
      const stores = ["blobs", "blobUses", "held", "begun"] as const;
      const transaction = database.transaction(stores, "readwrite");
      await Promise.all([
        transaction.objectStore("begun").clear(),
        transaction.objectStore("blobs").clear(),
        transaction.objectStore("blobUses").clear(),
        transaction.objectStore("held").clear(),
        transaction.done,
      ]);
    });
  return {
    keyPair: async () => (await connect((database) => database.get("keys", "contributor"))) ?? null,
    createKeyPair: () => createKeyPair(connect),
    putKeyPair: (keys) =>
      connect(async (database) => {
        const transaction = database.transaction("keys", "readwrite", DURABLE);
        await Promise.all([transaction.store.put(keys, "contributor"), transaction.done]);
      }),

    async outbox() {
      const entries = await connect((database) => database.getAll("outbox"));
      return entries.sort((a, b) => a.piece.createdAt - b.piece.createdAt);
    },
    putOutbox: (entry) =>
      writeWithRoom(() => connect((database) => putOutbox(database, entry)), dropCaches),
    settle: (piece) =>
      writeWithRoom(() => connect((database) => settle(database, piece)), dropCaches),
    async pieces() {
      const [waiting, settled] = await connect((database) =>
        Promise.all([database.getAll("outbox"), database.getAll("pieces")]),
      );
      return newestPieces([...waiting.map(({ piece }) => piece), ...settled]);
    },

    begun: async () => (await connect((database) => database.get("begun", "piece"))) ?? null,
    putBegun: (bytes) =>
      writeIfRoom(
        async () => {
          await connect((database) => database.put("begun", bytes, "piece"));
        },
        () => evictBlobs(halfOf),
      ),
    deleteBegun: () => connect((database) => database.delete("begun", "piece")),

    blob: (sha256) => connect((database) => readBlob(database, sha256, now())),
    async putBlob(sha256, bytes) {
      const blob = { sha256, bytes, sizeBytes: bytes.length, usedAt: now() };
      await writeIfRoom(
        () => connect((database) => writeBlob(database, blob)),
        () => evictBlobs(halfOf),
      );
      await evictBlobs(() => maxBlobBytes);
    },
    deleteBlob: (sha256) => connect((database) => deleteBlobs(database, [sha256])),
    blobNames: async () => new Set(await connect((database) => database.getAllKeys("blobUses"))),

    held: async (model) => (await connect((database) => database.get("held", model))) ?? null,
    putHeld: (checkpoint) =>
      writeIfRoom(
        async () => {
          await connect((database) => database.put("held", checkpoint));
        },
        () => evictBlobs(() => 0),
      ),
    deleteHeld: (model) => connect((database) => database.delete("held", model)),

    pinRelayKey: (origin, relayKey) =>
      connect(async (database) => {
        const transaction = database.transaction("relays", "readwrite", DURABLE);
        const pinned = await transaction.store.get(origin);
        if (pinned === undefined) await transaction.store.put(relayKey, origin);
        await transaction.done;
        return pinned ?? relayKey;
      }),

    deviceCheck: async () =>
      (await connect((database) => database.get("checks", "device"))) ?? null,
    putDeviceCheck: (check) =>
      writeIfRoom(
        async () => {
          await connect((database) => database.put("checks", check, "device"));
        },
        () => evictBlobs(halfOf),
      ),

    exchanged: async () =>
      (await connect((database) => database.get("exchanged", "all"))) ?? NOTHING_EXCHANGED,
    addExchanged: (exchanged) =>
      writeWithRoom(
        () => connect((database) => addExchanged(database, exchanged)),
        () => evictBlobs(halfOf),
      ),

    forget: () =>
      connect(async (database) => {
        const names = [...database.objectStoreNames];
        const transaction = database.transaction(names, "readwrite", DURABLE);
        await Promise.all([
          ...names.map((name) => transaction.objectStore(name).clear()),
          transaction.done,
        ]);
      }),
    close: () => connect(async (database) => database.close()),
  };
}

async function createKeyPair(connect: Connect): Promise<KeyPair> {
  const made = await generateKeyPair(true); // before the transaction, which does not wait for it
  return connect(async (database) => {
    const transaction = database.transaction("keys", "readwrite", DURABLE);
    const kept = await transaction.store.get("contributor");
    if (kept === undefined) await transaction.store.put(made, "contributor");
    await transaction.done;
    return kept ?? made;
  });
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

async function addExchanged(database: Database, exchanged: ExchangedBytes): Promise<void> {
  const transaction = database.transaction("exchanged", "readwrite");
  const before = (await transaction.store.get("all")) ?? NOTHING_EXCHANGED;
  const sums = sumExchanged(before, exchanged);
  await Promise.all([transaction.store.put(sums, "all"), transaction.done]);
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
