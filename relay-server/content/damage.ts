import { sha256 } from "../../core/crypto/signature.ts";
import type { PublicBlobs } from "./public-blobs.ts";

/** A file that a model needs, as people read of it: `shard "Ada"`, `the gate set`. */
export type NeededFile = { readonly model: string; readonly sha256: string; readonly name: string };

/** Which files are not what they were. Found when they are read and by the scrub; in memory, since a disk may be mended. */
export type Damage = {
  /** The bytes of a blob, which it was found by; null, and noted, where they are missing or others. */
  read(file: NeededFile): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Whether a blob is sound; read only when it is asked for first. */
  isSound(file: NeededFile): Promise<boolean>;
  /** Those that nothing was found of. */
  unharmed<T extends { readonly sha256: string }>(model: string, files: readonly T[]): T[];
  note(file: NeededFile, isSound: boolean): void;
  /** What is damaged, in plain words for Health; null where nothing is. */
  problem(model: string): string | null;
};

const MOST_NAMED = 3;

export function createDamage(blobs: Pick<PublicBlobs, "verify">): Damage {
  const sound = new Set<string>();
  const damaged = new Map<string, NeededFile>();
  const keyOf = ({ model, sha256 }: Pick<NeededFile, "model" | "sha256">) => `${model} ${sha256}`;

  function note(file: NeededFile, isSound: boolean): void {
    const key = keyOf(file);
    if (isSound) {
      sound.add(key);
      damaged.delete(key);
    } else {
      sound.delete(key);
      damaged.set(key, file);
    }
  }
  async function read(file: NeededFile) {
    const bytes = await blobs.verify(file.sha256);
    note(file, bytes !== null);
    return bytes;
  }
  return {
    note,
    read,
    async isSound(file) {
      const key = keyOf(file);
      if (!sound.has(key) && !damaged.has(key)) await read(file);
      return sound.has(key);
    },
    unharmed: (model, files) =>
      files.filter(({ sha256 }) => !damaged.has(keyOf({ model, sha256 }))),
    problem(model) {
      const names = [...damaged.values()].filter((file) => file.model === model);
      if (names.length === 0) return null;
      const first = names.slice(0, MOST_NAMED).map(({ name }) => name);
      const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : "";
      const are = names.length === 1 ? "is" : "are";
      return `${first.join(", ")}${more} ${are} damaged on the relay's disk and not used: put a backup of the data folder's files in their place`;
    },
  };
}

/** A file that something cannot go on without is damaged. Its code says that it is the machine's fault. */
export function damagedError(name: string): Error {
  return Object.assign(new Error(`${name} is damaged on the relay's disk`), { code: "EDAMAGED" });
}

/** `bytes`, or a damagedError if they do not hash to `expected`. */
export async function checked(
  name: string,
  bytes: Uint8Array,
  expected: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const own = new Uint8Array(bytes); // a Buffer may be a view of a pool
  if ((await sha256(own)) !== expected) throw damagedError(name);
  return own;
}

/** A shard as people read of it. */
export function shardFile(
  model: string,
  { sha256, title }: { readonly sha256: string; readonly title: string },
): NeededFile {
  return { model, sha256, name: `shard "${title}"` };
}
