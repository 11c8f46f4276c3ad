import { type FileHandle, open, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import * as z from "zod/mini";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import { decodeSafetensorsHeader } from "../../core/tensors/safetensors-header.ts";
import { InputProblem, problemAt, rethrowAsProblem } from "../problem.ts";
import { readFileOf } from "./small-file.ts";

/** Where in which file one tensor of a checkpoint lies. */
export type StoredTensor = {
  readonly path: string;
  readonly dtype: string;
  /** Outermost dimension first. */
  readonly shape: readonly number[];
  /** First byte in the file, and how many there are. */
  readonly start: number;
  readonly sizeBytes: number;
};

/** A checkpoint's tensors by name; nothing but headers has been read. */
export type StoredTensors = ReadonlyMap<string, StoredTensor>;

const WEIGHTS = "model.safetensors";
const INDEX = "model.safetensors.index.json";
const HEADER_LIMITS = { maxHeaderBytes: 16 << 20, maxTensors: 16_384 }; // 2,000 layers of eight tensors
const MAX_INDEX_BYTES = 16 << 20;

/** The tensors of a Hugging Face folder, in one safetensors file or several with an index. Throws an InputProblem. */
export async function findTensors(folder: string): Promise<StoredTensors> {
  const names = await readdir(folder);
  if (names.includes(INDEX)) return indexedTensors(folder, names);
  if (names.includes(WEIGHTS)) return tensorsOf(join(folder, WEIGHTS));
  const pickled = names.find((name) => /\.(bin|pt|pth|ckpt|pkl)$/.test(name));
  if (pickled !== undefined) {
    throw new InputProblem(
      `${join(basename(folder), pickled)}: a pickle file runs code when it is opened, so it is not opened; save the model as ${WEIGHTS}.`,
    );
  }
  throw new InputProblem(`${folder}: neither ${WEIGHTS} nor ${INDEX} is there.`);
}

const indexSchema = z.looseObject({
  weight_map: z.record(z.string(), z.string().check(z.regex(/^[\w.-]+\.safetensors$/))),
});

async function indexedTensors(folder: string, names: readonly string[]): Promise<StoredTensors> {
  const file = join(basename(folder), INDEX);
  const bytes = await readFileOf(folder, INDEX, MAX_INDEX_BYTES);
  const index = decoded(() => parseJson(file, indexSchema, bytes));
  const where = Object.entries(index.weight_map);
  const all = new Map<string, StoredTensor>();
  for (const shard of new Set(where.map(([, shard]) => shard))) {
    if (!names.includes(shard)) throw problemAt({ file }, `it names ${shard}, which is not there`);
    const found = await tensorsOf(join(folder, shard));
    for (const [name] of where.filter(([, file]) => file === shard)) {
      const tensor = found.get(name);
      if (tensor === undefined) throw problemAt({ file }, `"${name}" is not in ${shard}`);
      all.set(name, tensor);
    }
  }
  return all;
}

/** The tensors of the safetensors file at `path`, of which the header is read alone. Throws an InputProblem. */
export async function tensorsOf(path: string): Promise<StoredTensors> {
  const file = basename(path);
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    const header = await readHeader(handle, file, size);
    const { entries, dataStart } = decoded(() =>
      decodeSafetensorsHeader(file, header, HEADER_LIMITS),
    );
    const all = new Map<string, StoredTensor>();
    for (const { name, dtype, shape, begin, end } of entries) {
      const [start, sizeBytes] = [dataStart + begin, end - begin];
      if (sizeBytes < 0 || start + sizeBytes > size) {
        throw problemAt(
          { file },
          `"${name}" lies outside of the file's ${size} bytes; it was cut off`,
        );
      }
      all.set(name, { path, dtype, shape, start, sizeBytes });
    }
    return all;
  } finally {
    await handle.close();
  }
}

/** The first bytes of a file, to the end of its header; the length is the decoder's to refuse. */
async function readHeader(handle: FileHandle, file: string, size: number): Promise<Uint8Array> {
  const length = Buffer.alloc(8);
  if (size < 8) throw problemAt({ file }, `${size} bytes, and a safetensors file begins with 8`);
  await handle.read(length, 0, 8, 0);
  const headerBytes = Number(length.readBigUInt64LE());
  const bytes = Buffer.alloc(8 + Math.min(headerBytes, HEADER_LIMITS.maxHeaderBytes, size - 8));
  await handle.read(bytes, 0, bytes.length, 0);
  return bytes;
}

function decoded<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    return rethrowAsProblem(error);
  }
}
