import { rm } from "node:fs/promises";
import { join } from "node:path";
import { LRUCache } from "lru-cache";
import { encodeCheckpointFile } from "../../core/tensors/checkpoint-file.ts";
import { writeDurably } from "../content/durable-file.ts";
import type { ServedModel } from "../context.ts";
import type { VersionRow } from "../store/tables.ts";
import type { Checkpoints } from "./checkpoints.ts";

/** A version's checkpoint as one file on the relay's disk. */
export type Exported = { readonly path: string; readonly sizeBytes: number };

export type Exports = {
  /** The file if it is kept. */
  kept(version: VersionRow): Exported | null;
  /** The file, made now if it is not kept: once, however many ask, and one version after the other. */
  make(model: ServedModel, version: VersionRow): Promise<Exported>;
};

const KEPT_BYTES = 2 ** 31; // the last few versions of a model of 124M parameters; of a small one all that anyone asks for
const KEPT_FILES = 200;

/** Keeps what was asked for last in `folder`, which is emptied at every start. */
export function createExports(folder: string, checkpoints: Checkpoints): Exports {
  const files = new LRUCache<string, Exported>({
    max: KEPT_FILES,
    maxSize: KEPT_BYTES,
    sizeCalculation: ({ sizeBytes }) => sizeBytes,
    // a reader that has it open reads on
    dispose: ({ path }) => void rm(path, { force: true }).catch(console.error),
  });
  const making = new Map<string, Promise<Exported>>();
  let last: Promise<unknown> = Promise.resolve();

  async function write({ recipe, layout }: ServedModel, version: VersionRow): Promise<Exported> {
    const known = files.get(version.id);
    if (known !== undefined) return known;
    const file = encodeCheckpointFile(layout, await checkpoints.parametersOf(version), {
      model: version.model,
      version: version.id,
      number: String(version.number),
      licence: recipe.licence,
    });
    const path = join(folder, `${version.id}.safetensors`);
    await writeDurably(path, file, { temporary: folder });
    const exported = { path, sizeBytes: file.length };
    files.set(version.id, exported);
    return exported;
  }

  return {
    kept: (version) => files.get(version.id) ?? null,
    make(model, version) {
      const known = making.get(version.id);
      if (known !== undefined) return known;
      const made = last.then(() => write(model, version)); // two at once would need twice the memory
      last = made.catch(() => {}); // who asked hears of it
      making.set(version.id, made);
      const done = () => void making.delete(version.id);
      made.then(done, done);
      return made;
    },
  };
}
