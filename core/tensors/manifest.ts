import { sha256 } from "../crypto/signature.ts";
import { assert, FormatError } from "../errors.ts";
import { encodeCanonical } from "../protocol/canonical-json.ts";
import { CHUNK_BYTES } from "../protocol/limits.ts";
import type { KeyframeManifest, Manifest, NarrowManifest } from "../protocol/schemas/checkpoint.ts";
import {
  CHUNK_VALUE_BYTES,
  type ChunkDtype,
  decodeChunkValues,
  encodeChunkValues,
  narrowestDtype,
} from "./chunk-values.ts";
import { createLayout, type Layout } from "./layout.ts";

const CHUNK_VALUES = CHUNK_BYTES / CHUNK_VALUE_BYTES.F32;

/** A checkpoint without its bytes. */
export type NamedCheckpoint = {
  readonly manifest: Manifest;
  /** SHA-256 of the canonical manifest. */
  readonly id: string;
};

/** A chunk of a keyframe, as it is served. */
export type KeyframeChunk = {
  readonly dtype: ChunkDtype;
  readonly sha256: string;
  readonly sizeBytes: number;
};

/** Manifest and id of the flat `parameters` [N] of `layout` (protocol T4); beside them one chunk is in memory. */
export async function nameCheckpoint(
  layout: Layout,
  parameters: Float32Array,
): Promise<NamedCheckpoint> {
  assert(parameters.length === layout.size, "checkpoint: parameters of another layout");
  const chunks: string[] = [];
  for (const values of cutValues(parameters)) {
    assert(values.every(Number.isFinite), "checkpoint: a parameter that is not finite");
    chunks.push(await sha256(encodeChunkValues("F32", values)));
  }
  const manifest: Manifest = {
    format: "commonweight.checkpoint/1",
    tensors: tensorsOf(layout),
    chunkBytes: CHUNK_BYTES,
    chunks,
  };
  return { manifest, id: await checkpointId(manifest) };
}

/**
 * The flat `parameters` [N] of `layout` as chunks in the fewest bytes (protocol T12). Each goes to `put`, which tells its
 * SHA-256; beside the parameters one is in memory. The manifest is the one that they were `named` by where all chunks are f32.
 */
export async function writeKeyframe(
  layout: Layout,
  parameters: Float32Array,
  { manifest: named }: NamedCheckpoint,
  put: (chunk: Uint8Array<ArrayBuffer>) => Promise<string>,
): Promise<KeyframeManifest> {
  const chunks: NarrowManifest["chunks"] = [];
  for (const values of cutValues(parameters)) {
    const dtype = narrowestDtype(values);
    chunks.push({ dtype, sha256: await put(encodeChunkValues(dtype, values)) });
  }
  if (chunks.every(({ dtype }) => dtype === "F32")) return named;
  const format = "commonweight.checkpoint/2";
  return { format, tensors: tensorsOf(layout), chunkValues: CHUNK_VALUES, chunks };
}

function* cutValues(parameters: Float32Array): Generator<Float32Array> {
  for (let at = 0; at < parameters.length; at += CHUNK_VALUES) {
    yield parameters.subarray(at, at + CHUNK_VALUES);
  }
}

const tensorsOf = ({ tensors }: Layout) =>
  tensors.map(({ name, shape }) => ({ name, shape: [...shape] }));

/** A checkpoint's id: the SHA-256 of the RFC 8785 form of its manifest. */
export function checkpointId(manifest: Manifest): Promise<string> {
  return sha256(encodeCanonical(manifest));
}

/** The layout that `manifest` describes; a FormatError unless it is the canonical manifest of one. */
export function layoutOfManifest(manifest: KeyframeManifest): Layout {
  const layout = createLayout(manifest.tensors);
  const misplaced = layout.tensors.findIndex(({ name }, i) => name !== manifest.tensors[i]?.name);
  if (misplaced >= 0) {
    throw new FormatError(`manifest: "${manifest.tensors[misplaced]?.name}" is out of order`);
  }
  if ("chunkBytes" in manifest && manifest.chunkBytes !== CHUNK_BYTES) {
    throw new FormatError(`manifest: chunks of ${manifest.chunkBytes} bytes, not ${CHUNK_BYTES}`);
  }
  if ("chunkValues" in manifest && manifest.chunkValues !== CHUNK_VALUES) {
    throw new FormatError(
      `manifest: chunks of ${manifest.chunkValues} values, not ${CHUNK_VALUES}`,
    );
  }
  const chunks = Math.ceil(layout.size / CHUNK_VALUES);
  if (manifest.chunks.length !== chunks) {
    throw new FormatError(`manifest: ${manifest.chunks.length} chunks, not ${chunks}`);
  }
  return layout;
}

/** The chunks that `manifest` lists, in order; a FormatError as `layoutOfManifest`. */
export function chunksOfManifest(manifest: KeyframeManifest): KeyframeChunk[] {
  const { size } = layoutOfManifest(manifest);
  return manifest.chunks.map((chunk, index) => {
    const { dtype, sha256 } =
      typeof chunk === "string" ? { dtype: "F32" as const, sha256: chunk } : chunk;
    const values = Math.min(CHUNK_VALUES, size - index * CHUNK_VALUES);
    return { dtype, sha256, sizeBytes: values * CHUNK_VALUE_BYTES[dtype] };
  });
}

/**
 * The flat parameters [N] from the `bytes` of all chunks in order, whose hashes the caller has checked. A FormatError says that
 * their number or a length is another, or that a value is not finite.
 */
export async function readKeyframe(
  manifest: KeyframeManifest,
  bytes: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<Float32Array<ArrayBuffer>> {
  const chunks = chunksOfManifest(manifest);
  const parameters = new Float32Array(layoutOfManifest(manifest).size);
  let index = 0;
  for await (const came of bytes) {
    const { dtype, sizeBytes } = chunks[index] ?? { dtype: "F32", sizeBytes: 0 };
    const what = `checkpoint chunk ${index}`;
    if (came.length !== sizeBytes) {
      throw new FormatError(`${what} has ${came.length} bytes, not ${sizeBytes}`);
    }
    parameters.set(decodeChunkValues(what, dtype, came), index * CHUNK_VALUES);
    index++;
  }
  if (index < chunks.length)
    throw new FormatError(`checkpoint: ${index} of ${chunks.length} chunks`);
  return parameters;
}
