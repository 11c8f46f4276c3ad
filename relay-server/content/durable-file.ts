import { mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Where drafts of files lie, on the disk of what they become. */
export type DraftFolder = { readonly temporary: string };

let written = 0; // makes the names of temporary files unique within the process

/**
 * Write `bytes` to `path` so that after a crash either all of them are there or nothing is: a temporary file in
 * `temporary` (on the same disk), fsync, rename, fsync of the folder. Nothing stays behind when it fails.
 */
export async function writeDurably(
  path: string,
  bytes: Uint8Array,
  { temporary, mode = 0o644 }: DraftFolder & { readonly mode?: number },
): Promise<void> {
  const draft = join(temporary, `${basename(path)}.${process.pid}.${written++}`);
  try {
    const file = await open(draft, "wx", mode);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await mkdir(dirname(path), { recursive: true });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
  await syncFolder(dirname(dirname(path))); // the folder itself may be new
}

/** Make the entries of a folder durable: a new name or a deleted one. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Whether `error` says that there is no such file. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
