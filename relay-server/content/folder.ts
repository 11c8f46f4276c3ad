import { createReadStream } from "node:fs";
import { mkdir, readdir, readFile, rm, stat, statfs } from "node:fs/promises";
import { join, relative } from "node:path";
import { Readable } from "node:stream";
import { isMissing, writeDurably } from "./durable-file.ts";
import type { Objects } from "./objects.ts";

/** A folder for objects, and one on the same disk for drafts of them. */
export type Folder = {
  readonly kind: "folder";
  readonly path: string;
  readonly temporary: string;
};

/** Objects as files of a folder. Blobs lie in 256 folders, since one with a million files is slow. */
export function openFolder({ path, temporary }: Folder): Objects {
  const pathOf = (name: string) => join(path, name.replace(/^blobs\/(..)/, "blobs/$1/$1"));

  const nameOf = (file: string) => relative(path, file).replace(/^blobs\/..\//, "blobs/");

  async function put(name: string, bytes: Uint8Array): Promise<void> {
    const isPublic = name.startsWith("blobs/");
    await writeDurably(pathOf(name), bytes, { temporary, mode: isPublic ? 0o644 : 0o600 });
  }
  return {
    put,
    async read(name) {
      const bytes = await readFile(pathOf(name)).catch(nullIfMissing);
      return bytes && ownBytes(bytes);
    },
    async size(name) {
      return (await stat(pathOf(name)).catch(nullIfMissing))?.size ?? null;
    },
    stream: (name, from, to) => streamFile(pathOf(name), from, to),
    remove: (name) => rm(pathOf(name), { force: true }),
    async list(folder) {
      const options = { recursive: true, withFileTypes: true } as const;
      const found: { name: string; at: number }[] = [];
      for (const entry of (await readdir(pathOf(folder), options).catch(nullIfMissing)) ?? []) {
        if (!entry.isFile()) continue;
        const file = join(entry.parentPath, entry.name);
        const known = await stat(file).catch(nullIfMissing); // removed meanwhile
        if (known !== null) found.push({ name: nameOf(file), at: known.mtimeMs });
      }
      return found;
    },
    removeAll: (folder) => rm(pathOf(folder), { recursive: true, force: true }),
    async room() {
      await mkdir(path, { recursive: true, mode: 0o700 });
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    },
  };
}

/** The bytes from…to−1 of the file at `path`, as they are taken. */
export function streamFile(path: string, from: number, to: number): ReadableStream<Uint8Array> {
  // Node's and the DOM's stream types differ in name only
  return Readable.toWeb(
    createReadStream(path, { start: from, end: to - 1 }),
  ) as ReadableStream<Uint8Array>;
}

/** The bytes of `buffer`, copied where it is a view of a pool. */
function ownBytes(buffer: Buffer): Uint8Array<ArrayBuffer> {
  const { buffer: memory, byteLength } = buffer;
  const isAlone = memory instanceof ArrayBuffer && memory.byteLength === byteLength;
  return isAlone ? new Uint8Array(memory) : new Uint8Array(buffer);
}

function nullIfMissing(error: unknown): null {
  if (isMissing(error)) return null;
  throw error;
}
