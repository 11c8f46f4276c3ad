import { setTimeout as pause } from "node:timers/promises";
import { S3mini, S3ServiceError } from "s3mini";
import { ContentAwayError, ContentRefusedError } from "../storage-error.ts";
import type { Objects } from "./objects.ts";

/** A bucket of an S3-compatible service, with the key that may read and write there. */
export type Bucket = {
  readonly kind: "bucket";
  /** The service's address and the bucket, such as `https://s3.eu-central-1.amazonaws.com/models`. */
  readonly url: string;
  readonly region: string;
  readonly keyId: string;
  readonly secret: string;
};

const PATIENCE_MS = 10_000; // until an answer begins
const SLOWEST_BYTES_PER_MS = 100; // that a put may take on top
const WAITS_MS = [200, 1000]; // before the second and the third try
const BLOB_HEADERS = { "cache-control": "public, max-age=31536000, immutable" };

/**
 * Objects in a bucket. The service keeps an object before it says so, and shows a reader the whole of it or nothing.
 * Each call is tried three times; a ContentAwayError says that the service does not answer, or answers with a mistake of its own; a ContentRefusedError, that it refuses the relay.
 */
export function openBucket({ url, region, keyId, secret }: Bucket): Objects {
  const bucket = new S3mini({
    endpoint: url,
    region,
    accessKeyId: keyId,
    secretAccessKey: secret,
    fetch: fetchPatiently,
  });

  async function tried<T>(call: () => Promise<T>): Promise<T> {
    for (const wait of WAITS_MS) {
      try {
        return await call();
      } catch (error) {
        if (!isAway(error)) throw refusalOf(error);
      }
      await pause(wait);
    }
    return call().catch((error: unknown) => {
      throw isAway(error) ? new ContentAwayError({ cause: error }) : refusalOf(error);
    });
  }

  return {
    async put(name, bytes) {
      const headers = name.startsWith("blobs/") ? BLOB_HEADERS : {};
      const type = "application/octet-stream";
      await tried(() => bucket.putObject(name, Buffer.from(bytes), type, undefined, headers));
    },
    async read(name) {
      const bytes = await tried(() => bucket.getObjectArrayBuffer(name));
      return bytes && new Uint8Array(bytes);
    },
    size: (name) => tried(() => sizeOf(bucket, name)),
    stream(name, from, to) {
      const part = new TransformStream<Uint8Array, Uint8Array>();
      tried(() => bucket.getObjectRaw(name, false, from, to)).then(
        ({ body }) => body?.pipeTo(part.writable).catch(() => {}), // whoever reads the other end hears of it
        (error: unknown) => part.writable.abort(error),
      );
      return part.readable;
    },
    async remove(name) {
      await tried(() => bucket.deleteObject(name));
    },
    list: (folder) => tried(() => listed(bucket, folder)),
    async removeAll(folder) {
      for (const { name } of await tried(() => listed(bucket, folder))) {
        await tried(() => bucket.deleteObject(name));
      }
    },
    room: async () => null,
  };
}

/** `fetch` whose answer must begin in time. How long its body takes depends on who reads it; Node ends one that is silent. Throws an Error for an answer that does not begin. */
export async function fetchPatiently(
  input: string | URL | Request,
  init: RequestInit = {},
): Promise<Response> {
  const sizeBytes = init.body instanceof Uint8Array ? init.body.length : 0;
  const ending = new AbortController();
  const timer = setTimeout(
    () => ending.abort(new Error("no answer in time")),
    PATIENCE_MS + sizeBytes / SLOWEST_BYTES_PER_MS,
  );
  try {
    return await fetch(input, { ...init, signal: ending.signal });
  } finally {
    clearTimeout(timer);
  }
}

async function sizeOf(bucket: S3mini, name: string): Promise<number | null> {
  try {
    return await bucket.getContentLength(name);
  } catch (error) {
    if (serviceError(error)?.status === 404) return null;
    throw error;
  }
}

async function listed(bucket: S3mini, folder: string) {
  const objects = (await bucket.listObjects("/", `${folder}/`)) ?? [];
  return objects.map(({ Key, LastModified }) => ({ name: Key, at: +new Date(LastModified) }));
}

/** What the service said, if it said something. */
function serviceError(error: unknown): S3ServiceError | null {
  if (error instanceof S3ServiceError) return error;
  return error instanceof Error && error.cause !== undefined ? serviceError(error.cause) : null;
}

/** No answer, or the service's own mistake: it may be another one the next time. */
function isAway(error: unknown): boolean {
  const said = serviceError(error);
  return said === null || said.status >= 500 || said.status === 429;
}

/** The service's words of why it did not do it, such as a wrong key. */
function refusalOf(error: unknown): unknown {
  const said = serviceError(error);
  if (said === null) return error;
  return new ContentRefusedError(said.serviceCode ?? String(said.status), { cause: error });
}
