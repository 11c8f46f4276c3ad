import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ZipFile } from "yazl";
import type { ExportFile } from "./export-file.ts";

/** Write `files` into the new zip file `path`, all in `folder` and of the time `at`, block by block; weights do not compress. */
export async function writeZipFile(
  files: readonly ExportFile[],
  path: string,
  { folder, at }: { readonly folder: string; readonly at: Date },
): Promise<void> {
  const zip = new ZipFile();
  for (const { name, sizeBytes, blocks } of files) {
    const options = { compress: false, size: sizeBytes, mtime: at, mode: 0o644 };
    zip.addReadStream(Readable.from(blocks(), { objectMode: false }), `${folder}/${name}`, options);
  }
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(path, { flags: "wx" }));
}
