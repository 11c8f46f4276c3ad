import { link, mkdir, readdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { generateKeyPair, type KeyPair } from "../core/crypto/signature.ts";
import { encodeHex } from "../core/hex.ts";
import { syncFolder } from "../relay-server/content/durable-file.ts";
import type { Piece } from "../worker/api.ts";
import {
  type ExchangedBytes,
  type HeldCheckpoint,
  MAX_BLOB_CACHE_BYTES,
  NOTHING_EXCHANGED,
  newestPieces,
  type OutboxEntry,
  type Store,
  sumExchanged,
} from "../worker/store/store.ts";
import {
  blobsToEvict,
  type CachedBlob,
  halfOf,
  writeIfRoom,
  writeWithRoom,
} from "../worker/store/store-room.ts";
import { readFileIfAny, writeFileAtomic } from "./atomic-file.ts";
import { decodeHeaded, encodeHeaded } from "./headed-file.ts";
import { decodeKeyFile, encodeKeyFile } from "./key-file.ts";

/**
 * The store of a terminal, in the folder `path`: `key.json` that only its owner can read, and the
 * folders outbox, blobs and held; every file is replaced whole.
 */
export async function openFileStore({
  path,
  now,
  maxBlobBytes = MAX_BLOB_CACHE_BYTES,
}: {
  path: string;
  now: () => number;
  maxBlobBytes?: number;
}): Promise<Store> {
  const at = (...names: string[]) => join(path, ...names);
  const makeFolders = async () => {
    for (const name of ["outbox", "blobs", "held"]) {
      await mkdir(at(name), { recursive: true, mode: 0o700 });
    }
  };
  await makeFolders();

  const outbox = async () => {
    const entries = await Promise.all((await names(at("outbox"))).map((id) => readEntry(at, id)));
    return entries.sort((a, b) => a.piece.createdAt - b.piece.createdAt);
  };
  const settled = async (): Promise<readonly Piece[]> => {
    const bytes = await readFileIfAny(at("pieces.json"));
    return bytes === null ? [] : JSON.parse(new TextDecoder().decode(bytes));
  };
  const exchanged = async (): Promise<ExchangedBytes> => {
    const bytes = await readFileIfAny(at("exchanged.json"));
    return bytes === null ? NOTHING_EXCHANGED : JSON.parse(new TextDecoder().decode(bytes));
  };
  let counting: Promise<void> = Promise.resolve(); // counts are added one after the other
  const evictBlobs = async (limit: (blobs: readonly CachedBlob[]) => number) => {
    const blobs = await cachedBlobs(at("blobs"));
    for (const sha256 of blobsToEvict(blobs, limit(blobs))) await rm(at("blobs", sha256));
  };
  const dropCaches = async () => {
    await evictBlobs(() => 0);
    for (const name of await names(at("held"))) await rm(at("held", name));
    await rm(at("begun"), { force: true });
  };

  return {
    keyPair: () => readKeyPair(at("key.json")),
    async createKeyPair() {
      const made = await generateKeyPair(true);
      const draft = at(`key.${encodeHex(crypto.getRandomValues(new Uint8Array(8)))}.new`);
      await writeFileAtomic(draft, await encodeKeyFile(made));
      try {
        await link(draft, at("key.json")); // fails if another process was first
        await syncFolder(path);
        return made;
      } catch (error) {
        const kept = await readKeyPair(at("key.json"));
        if (kept === null) throw error;
        return kept;
      } finally {
        await rm(draft);
      }
    },

    outbox,
    putOutbox: ({ bytes, ...header }) =>
      writeWithRoom(
        () => writeFileAtomic(at("outbox", header.piece.id), encodeHeaded(header, bytes)),
        dropCaches,
      ),
    async settle(piece) {
      const others = (await settled()).filter(({ id }) => id !== piece.id);
      const text = JSON.stringify(newestPieces([piece, ...others]));
      await writeWithRoom(() => writeFileAtomic(at("pieces.json"), text), dropCaches);
      await rm(at("outbox", piece.id), { force: true });
      await syncFolder(at("outbox"));
    },
    async pieces() {
      const answered = await settled();
      const ids = new Set(answered.map(({ id }) => id));
      const waiting = (await outbox()).map(({ piece }) => piece);
      return newestPieces([...waiting.filter(({ id }) => !ids.has(id)), ...answered]);
    },

    begun: () => readFileIfAny(at("begun")),
    putBegun: (bytes) =>
      writeIfRoom(
        () => writeFileAtomic(at("begun"), bytes),
        () => evictBlobs(halfOf),
      ),
    deleteBegun: () => rm(at("begun"), { force: true }),

    async blob(sha256) {
      const bytes = await readFileIfAny(at("blobs", sha256));
      if (bytes !== null) await touch(at("blobs", sha256), now());
      return bytes;
    },
    async putBlob(sha256, bytes) {
      await writeIfRoom(
        async () => {
          await writeFileAtomic(at("blobs", sha256), bytes);
          await touch(at("blobs", sha256), now());
        },
        () => evictBlobs(halfOf),
      );
      await evictBlobs(() => maxBlobBytes);
    },
    deleteBlob: (sha256) => rm(at("blobs", sha256), { force: true }),
    blobNames: async () => new Set(await names(at("blobs"))),

    async held(model) {
      const bytes = await readFileIfAny(at("held", model));
      if (bytes === null) return null;
      const { header, body } = decodeHeaded<Omit<HeldCheckpoint, "parameters">>(model, bytes);
      return { ...header, parameters: new Float32Array(body.buffer) };
    },
    putHeld: ({ parameters, ...header }) =>
      writeIfRoom(
        () =>
          writeFileAtomic(
            at("held", header.model),
            encodeHeaded(header, new Uint8Array(parameters.buffer)),
          ),
        () => evictBlobs(() => 0),
      ),
    deleteHeld: (model) => rm(at("held", model), { force: true }),

    async pinRelayKey(origin, relayKey) {
      const bytes = await readFileIfAny(at("relays.json"));
      const pinned: Record<string, string> =
        bytes === null ? {} : JSON.parse(new TextDecoder().decode(bytes));
      if (!Object.hasOwn(pinned, origin)) {
        await writeFileAtomic(at("relays.json"), JSON.stringify({ ...pinned, [origin]: relayKey }));
      }
      return pinned[origin] ?? relayKey;
    },

    async deviceCheck() {
      const bytes = await readFileIfAny(at("device-check.json"));
      return bytes === null ? null : JSON.parse(new TextDecoder().decode(bytes));
    },
    putDeviceCheck: (check) =>
      writeIfRoom(
        () => writeFileAtomic(at("device-check.json"), JSON.stringify(check)),
        () => evictBlobs(halfOf),
      ),

    exchanged,
    addExchanged(bytes) {
      const counted = counting.then(async () => {
        const sums = sumExchanged(await exchanged(), bytes);
        await writeWithRoom(
          () => writeFileAtomic(at("exchanged.json"), JSON.stringify(sums)),
          () => evictBlobs(halfOf),
        );
      });
      counting = counted.catch(() => {}); // its caller hears of it
      return counted;
    },

    async forget() {
      for (const name of [
        "key.json",
        "pieces.json",
        "device-check.json",
        "relays.json",
        "exchanged.json",
        "begun",
        "outbox",
        "blobs",
        "held",
      ]) {
        await rm(at(name), { recursive: true, force: true });
      }
      await syncFolder(path);
      await makeFolders();
    },
    close: async () => {},
  };
}

/** Names of whole files in a folder; what a crash left half-written is not one. */
async function names(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => !name.endsWith(".tmp"));
}

async function readEntry(at: (...names: string[]) => string, id: string): Promise<OutboxEntry> {
  const bytes = (await readFileIfAny(at("outbox", id))) ?? new Uint8Array(0);
  const { header, body } = decodeHeaded<Omit<OutboxEntry, "bytes">>(`outbox ${id}`, bytes);
  return { ...header, bytes: body };
}

async function readKeyPair(path: string): Promise<KeyPair | null> {
  const bytes = await readFileIfAny(path);
  return bytes === null ? null : decodeKeyFile(path, bytes);
}

async function cachedBlobs(folder: string): Promise<CachedBlob[]> {
  return Promise.all(
    (await names(folder)).map(async (sha256) => {
      const { size, mtimeMs } = await stat(join(folder, sha256));
      return { sha256, sizeBytes: size, usedAt: mtimeMs };
    }),
  );
}

/** A blob's time of last use is its file's modification time. */
async function touch(path: string, nowMs: number): Promise<void> {
  await utimes(path, nowMs / 1000, nowMs / 1000);
}
