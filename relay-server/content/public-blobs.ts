import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { sha256 } from "../../core/crypto/signature.ts";
import { writeDurably } from "./durable-file.ts";

const WORTH_KEEPING = 0.9; // a smaller copy that saves less than a tenth is not worth its file
const LEAST_CHUNK = 64; // that zlib writes into
const MOST_UNZIPPED = 64 << 20; // no blob is larger: a flipped bit must not unpack to more

/** Content-addressed files that anyone may read: checkpoints, delta steps, shards, merged patches. */
export type PublicBlobs = {
  /** Keep `bytes`; returns their SHA-256. Durable when it resolves. */
  put(bytes: Uint8Array<ArrayBuffer>): Promise<string>;
  /** The bytes of a blob, checked against its hash; null if it is missing or damaged. */
  read(sha256: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** The same, also checked is the gzipped copy, which is removed if it is damaged: the blob is served as it is then. */
  verify(sha256: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Size in bytes of the blob as it is, or of its gzipped copy; null if there is none. */
  size(sha256: string, encoding?: "gzip"): Promise<number | null>;
  path(sha256: string, encoding?: "gzip"): string;
  /** Take back what nobody was told of; what is not there may be removed. */
  remove(sha256: string): Promise<void>;
};

/** The store in `folder`; drafts go to `temporary`, on the same disk. */
export function openPublicBlobs(folder: string, temporary: string): PublicBlobs {
  const path = (id: string, encoding?: "gzip") =>
    join(folder, id.slice(0, 2), encoding === "gzip" ? `${id}.gz` : id);
  const size = async (id: string, encoding?: "gzip") => {
    const found = await stat(path(id, encoding)).catch(nullIfMissing);
    return found === null ? null : found.size;
  };
  async function read(id: string): Promise<Uint8Array<ArrayBuffer> | null> {
    const bytes = await readFile(path(id)).catch(nullIfMissing);
    if (bytes === null) return null;
    const own = bytesOf(bytes);
    return (await sha256(own)) === id ? own : null;
  }
  return {
    path,
    size,
    async put(bytes) {
      const id = await sha256(bytes);
      if ((await size(id)) === bytes.length) return id;
      const small = await promisify(gzip)(bytes);
      if (small.length < WORTH_KEEPING * bytes.length) {
        await writeDurably(path(id, "gzip"), small, { temporary });
      }
      await writeDurably(path(id), bytes, { temporary });
      return id;
    },
    async remove(id) {
      await rm(path(id), { force: true });
      await rm(path(id, "gzip"), { force: true });
    },
    read,
    async verify(id) {
      const bytes = await read(id);
      const small = await readFile(path(id, "gzip")).catch(nullIfMissing);
      if (small === null) return bytes;
      if (!(await isCopy(small, id, bytes))) await rm(path(id, "gzip"), { force: true });
      return bytes;
    },
  };
}

/** Whether the gzipped `small` holds blob `id`, which is `bytes` where those are sound. */
async function isCopy(small: Uint8Array, id: string, bytes: Uint8Array | null): Promise<boolean> {
  const sizes =
    bytes === null
      ? { maxOutputLength: MOST_UNZIPPED }
      : { maxOutputLength: bytes.length + 1, chunkSize: bytes.length + LEAST_CHUNK }; // one piece, so that nothing is joined
  const whole = await promisify(gunzip)(small, sizes).catch(() => null); // whatever zlib finds wrong with it
  if (whole === null) return false;
  return bytes === null ? (await sha256(new Uint8Array(whole))) === id : whole.equals(bytes);
}

/** The bytes of `buffer`, copied where it is a view of a pool. */
function bytesOf(buffer: Buffer): Uint8Array<ArrayBuffer> {
  const { buffer: memory, byteLength } = buffer;
  const isAlone = memory instanceof ArrayBuffer && memory.byteLength === byteLength;
  return isAlone ? new Uint8Array(memory) : new Uint8Array(buffer);
}

function nullIfMissing(error: unknown): null {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
  throw error;
}
