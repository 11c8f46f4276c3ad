import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { sha256 } from "../../core/crypto/signature.ts";
import type { Objects } from "./objects.ts";

const WORTH_KEEPING = 0.9; // a smaller copy that saves less than a tenth is not worth its file
const LEAST_CHUNK = 64; // that zlib writes into
const MOST_UNZIPPED = 64 << 20; // no blob is larger: a flipped bit must not unpack to more

/** Content-addressed bytes that anyone may read: checkpoints, delta steps, shards, merged patches. */
export type PublicBlobs = {
  /** Keep `bytes`; returns their SHA-256. Durable when it resolves. */
  put(bytes: Uint8Array<ArrayBuffer>): Promise<string>;
  /** The bytes of a blob, checked against its hash; null if it is missing or damaged. */
  read(sha256: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** The same, also checked is the gzipped copy, which is removed if it is damaged: the blob is served as it is then. */
  verify(sha256: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Size in bytes of the blob as it is, or of its gzipped copy; null if there is none. */
  size(sha256: string, encoding?: "gzip"): Promise<number | null>;
  /** All bytes of the blob or of its gzipped copy, unchecked; null if there are none. */
  bytes(sha256: string, encoding?: "gzip"): Promise<Uint8Array<ArrayBuffer> | null>;
  /** The bytes from…to−1 of the same, as they are taken. */
  stream(
    sha256: string,
    range: readonly [from: number, to: number],
    encoding?: "gzip",
  ): ReadableStream<Uint8Array>;
  /** Take back what nobody was told of; what is not there may be removed. */
  remove(sha256: string): Promise<void>;
};

/** The blobs among `objects`. */
export function openPublicBlobs(objects: Objects): PublicBlobs {
  const nameOf = (id: string, encoding?: "gzip") =>
    encoding === "gzip" ? `blobs/${id}.gz` : `blobs/${id}`;
  const size = (id: string, encoding?: "gzip") => objects.size(nameOf(id, encoding));
  const bytesOf = (id: string, encoding?: "gzip") => objects.read(nameOf(id, encoding));

  async function read(id: string): Promise<Uint8Array<ArrayBuffer> | null> {
    const bytes = await bytesOf(id);
    return bytes !== null && (await sha256(bytes)) === id ? bytes : null;
  }
  return {
    size,
    bytes: bytesOf,
    stream: (id, [from, to], encoding) => objects.stream(nameOf(id, encoding), from, to),
    async put(bytes) {
      const id = await sha256(bytes);
      if ((await size(id)) === bytes.length) return id;
      const small = await promisify(gzip)(bytes);
      if (small.length < WORTH_KEEPING * bytes.length) {
        await objects.put(nameOf(id, "gzip"), small);
      }
      await objects.put(nameOf(id), bytes);
      return id;
    },
    async remove(id) {
      await objects.remove(nameOf(id));
      await objects.remove(nameOf(id, "gzip"));
    },
    read,
    async verify(id) {
      const bytes = await read(id);
      const small = await bytesOf(id, "gzip");
      if (small === null) return bytes;
      if (!(await isCopy(small, id, bytes))) await objects.remove(nameOf(id, "gzip"));
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
