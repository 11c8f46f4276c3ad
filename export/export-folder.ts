import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ExportFile } from "./export-file.ts";

/** Write `files` into the new folder `path`. When it fails, there is no folder. */
export async function writeExportFolder(files: readonly ExportFile[], path: string): Promise<void> {
  const draft = `${path}.unfinished-${process.pid}`;
  await mkdir(draft);
  try {
    for (const file of files) await writeExportFile(file, join(draft, file.name));
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}

/** Write `file` to the new file `path`, block by block. */
export async function writeExportFile(file: ExportFile, path: string): Promise<void> {
  const handle = await open(path, "wx");
  try {
    for (const block of file.blocks()) await handle.writeFile(block);
  } finally {
    await handle.close();
  }
}
