import { type FileHandle, open } from "node:fs/promises";
import { basename } from "node:path";
import type { Layout, LayoutTensor } from "../../core/tensors/layout.ts";
import { InputProblem, problemAt } from "../problem.ts";
import type { StoredTensor, StoredTensors } from "./stored-tensors.ts";

const BLOCK_BYTES = 4 << 20; // read at once: a model lies in memory once, as its parameters
const VALUE_BYTES: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2 };

/** Which of `stored` is each tensor of `layout`; those of `optional` may be missing. Throws an InputProblem for shapes and types. */
export function matchTensors(
  layout: Layout,
  stored: StoredTensors,
  optional: readonly string[],
): ReadonlyMap<LayoutTensor, StoredTensor> {
  const matched = new Map<LayoutTensor, StoredTensor>();
  for (const tensor of layout.tensors) {
    const found = spellings(tensor.name)
      .map((name) => stored.get(name))
      .find((each) => each !== undefined);
    if (found === undefined) {
      if (optional.includes(tensor.name)) continue;
      throw new InputProblem(`The base has no tensor "${tensor.name}", which its config asks for.`);
    }
    checkTensor(tensor, found);
    matched.set(tensor, found);
  }
  return matched;
}

/** A model inside a larger one has the larger one's prefix; saved alone it has none, and GPT-2's has one only here and there. */
function spellings(name: string): string[] {
  const bare = name.replace(/^(model|vit)\./, "");
  return [name, `transformer.${name}`, bare];
}

function checkTensor({ name, shape }: LayoutTensor, found: StoredTensor): void {
  const file = basename(found.path);
  const { dtype, sizeBytes } = found;
  const isShape =
    shape.length === found.shape.length && shape.every((n, axis) => n === found.shape[axis]);
  if (!isShape) {
    throw problemAt({ file }, `"${name}" is [${found.shape}], and the config asks for [${shape}]`);
  }
  const each = VALUE_BYTES[dtype];
  if (each === undefined) {
    throw problemAt({ file }, `"${name}" is of dtype ${dtype}, and F32, F16 and BF16 are read`);
  }
  const wanted = shape.reduce((size, n) => size * n, each);
  if (sizeBytes !== wanted) {
    throw problemAt(
      { file },
      `"${name}" has ${sizeBytes} bytes, and ${dtype} [${shape}] has ${wanted}`,
    );
  }
}

/** The flat parameters [N] of matched tensors, 0 where none is; files are read in blocks. Throws an InputProblem for NaN and infinities. */
export async function readBaseParameters(
  layout: Layout,
  matched: ReadonlyMap<LayoutTensor, StoredTensor>,
  {
    onProgress,
    signal,
  }: {
    readonly onProgress: (done: number, total: number) => void;
    readonly signal: AbortSignal;
  },
): Promise<Float32Array<ArrayBuffer>> {
  const parameters = new Float32Array(layout.size);
  const files = new Map<string, FileHandle>();
  let done = 0;
  try {
    for (const [tensor, stored] of matched) {
      signal.throwIfAborted();
      const handle = files.get(stored.path) ?? (await open(stored.path));
      files.set(stored.path, handle);
      const values = parameters.subarray(tensor.offset, tensor.offset + tensor.size);
      await readTensor(handle, tensor.name, stored, values);
      onProgress(++done, matched.size);
    }
    return parameters;
  } finally {
    for (const handle of files.values()) await handle.close();
  }
}

async function readTensor(
  handle: FileHandle,
  name: string,
  { path, dtype, start, sizeBytes }: StoredTensor,
  values: Float32Array,
): Promise<void> {
  const block = new Uint8Array(Math.min(BLOCK_BYTES, sizeBytes));
  const each = VALUE_BYTES[dtype]!; // `checkTensor` has looked
  const file = basename(path);
  for (let at = 0; at < sizeBytes; at += block.length) {
    const wanted = Math.min(block.length, sizeBytes - at);
    const { bytesRead } = await handle.read(block, 0, wanted, start + at);
    if (bytesRead < wanted) throw problemAt({ file }, `it ends inside of "${name}"`);
    const target = values.subarray(at / each, (at + wanted) / each);
    decodeValues(dtype, block.buffer, target);
    const broken = target.findIndex((value) => !Number.isFinite(value));
    if (broken === -1) continue;
    throw problemAt(
      { file },
      `"${name}" has the value ${target[broken]} at ${at / each + broken}, and a model must be finite`,
    );
  }
}

/** The first values of `buffer` [target.length], as f32; every machine with Node is little-endian. */
function decodeValues(dtype: string, buffer: ArrayBuffer, target: Float32Array): void {
  const { length } = target;
  if (dtype === "F32") target.set(new Float32Array(buffer, 0, length));
  else if (dtype === "F16") target.set(new Float16Array(buffer, 0, length));
  else {
    const words = new Uint16Array(buffer, 0, length);
    const bits = new Uint32Array(target.buffer, target.byteOffset, length);
    for (let i = 0; i < length; i++) bits[i] = words[i]! << 16; // bf16 is the upper half of f32
  }
}
