import { readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { InputProblem, problemAt } from "../problem.ts";
import type { NamedJson } from "./config.ts";

/** A file of `folder`, at most `maxBytes` long. Throws an InputProblem. */
export async function readFileOf(
  folder: string,
  name: string,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readIfThere(folder, name, maxBytes);
  if (bytes !== null) return bytes;
  throw new InputProblem(`${folder}: no ${name} is there, and a model needs it.`);
}

/** The same; null where there is no such file. */
export async function readIfThere(
  folder: string,
  name: string,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const path = join(folder, name);
  const found = await stat(path).catch(() => null); // missing is a case of its own
  if (found === null) return null;
  const file = join(basename(folder), name);
  if (!found.isFile()) throw problemAt({ file }, "it is no file");
  if (found.size > maxBytes) {
    throw problemAt({ file }, `${found.size} bytes, and at most ${maxBytes} are read`);
  }
  return Uint8Array.from(await readFile(path));
}

const MAX_CONFIG_BYTES = 4 << 20; // id2label of 20,000 classes is 1 MB

/** A JSON file of `folder`; null where there is none. Throws an InputProblem. */
export async function readJsonIfThere(folder: string, name: string): Promise<NamedJson | null> {
  const bytes = await readIfThere(folder, name, MAX_CONFIG_BYTES);
  if (bytes === null) return null;
  const file = join(basename(folder), name);
  try {
    return { file, value: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) };
  } catch {
    throw problemAt({ file }, "not JSON in UTF-8");
  }
}
