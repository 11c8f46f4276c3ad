import { access } from "node:fs/promises";

/** Throws where something is at the path already that a command is to write a new folder to. */
export async function expectNoFolder(path: string): Promise<void> {
  const isThere = await access(path).then(
    () => true,
    () => false, // missing is what is hoped for
  );
  if (isThere) throw new Error(`${path}: there already; name a new folder.`);
}
