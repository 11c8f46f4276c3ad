import { sha256 } from "../crypto/signature.ts";
import { assert, FormatError } from "../errors.ts";
import { encodeCanonical } from "../protocol/canonical-json.ts";
import { CHUNK_BYTES } from "../protocol/limits.ts";
import type { Manifest } from "../protocol/schemas/checkpoint.ts";
import { createLayout, type Layout } from "./layout.ts";
import { decodeFloats, encodeFloats } from "./little-endian.ts";

const BYTES_PER_PARAMETER = 4;

export type EncodedCheckpoint = {
  readonly manifest: Manifest;
  /** SHA-256 of the canonical manifest. */
  readonly id: string;
  /** In order; all CHUNK_BYTES long but the last. */
  readonly chunks: readonly Uint8Array<ArrayBuffer>[];
};

/** Cut the flat `parameters` [N] of `layout` into hashed chunks (protocol T4). */
export async function encodeCheckpoint(
  layout: Layout,
  parameters: Float32Array,
): Promise<EncodedCheckpoint> {
  assert(parameters.length === layout.size, "checkpoint: parameters of another layout");
  const perChunk = CHUNK_BYTES / BYTES_PER_PARAMETER;
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const hashes: string[] = [];
  for (let at = 0; at < parameters.length; at += perChunk) {
    const values = parameters.subarray(at, at + perChunk);
    assert(values.every(Number.isFinite), "checkpoint: a parameter that is not finite");
    const chunk = encodeFloats(values);
    chunks.push(chunk);
    hashes.push(await sha256(chunk));
  }
  const manifest: Manifest = {
    format: "commonweight.checkpoint/1",
    tensors: layout.tensors.map(({ name, shape }) => ({ name, shape: [...shape] })),
    chunkBytes: CHUNK_BYTES,
    chunks: hashes,
  };
  return { manifest, id: await checkpointId(manifest), chunks };
}

/** A checkpoint's id: the SHA-256 of the RFC 8785 form of its manifest. */
export function checkpointId(manifest: Manifest): Promise<string> {
  return sha256(encodeCanonical(manifest));
}

/** The layout that `manifest` describes; a FormatError unless it is the canonical manifest of one. */
export function layoutOfManifest(manifest: Manifest): Layout {
  const layout = createLayout(manifest.tensors);
  const misplaced = layout.tensors.findIndex(({ name }, i) => name !== manifest.tensors[i]?.name);
  if (misplaced >= 0) {
    throw new FormatError(`manifest: "${manifest.tensors[misplaced]?.name}" is out of order`);
  }
  if (manifest.chunkBytes !== CHUNK_BYTES) {
    throw new FormatError(`manifest: chunks of ${manifest.chunkBytes} bytes, not ${CHUNK_BYTES}`);
  }
  const chunks = Math.ceil((layout.size * BYTES_PER_PARAMETER) / CHUNK_BYTES);
  if (manifest.chunks.length !== chunks) {
    throw new FormatError(`manifest: ${manifest.chunks.length} chunks, not ${chunks}`);
  }
  return layout;
}

/**
 * The flat parameters [N] from all chunks in order. The caller has checked each chunk's hash when it
 * arrived; here lengths and finiteness are.
 */
export function decodeCheckpoint(
  manifest: Manifest,
  chunks: readonly Uint8Array[],
): Float32Array<ArrayBuffer> {
  const { size } = layoutOfManifest(manifest);
  if (chunks.length !== manifest.chunks.length) {
    throw new FormatError(`checkpoint: ${chunks.length} of ${manifest.chunks.length} chunks`);
  }
  const parameters = new Float32Array(size);
  for (const [index, chunk] of chunks.entries()) decodeChunkInto(parameters, index, chunk);
  return parameters;
}

/**
 * Put chunk `index` of a checkpoint in its place in `parameters` [N]. The caller has checked the chunk's hash; a FormatError says
 * that its length is another or a value is not finite.
 */
export function decodeChunkInto(parameters: Float32Array, index: number, chunk: Uint8Array): void {
  const at = index * (CHUNK_BYTES / BYTES_PER_PARAMETER);
  const expected = Math.min((parameters.length - at) * BYTES_PER_PARAMETER, CHUNK_BYTES);
  if (chunk.length !== expected) {
    throw new FormatError(`checkpoint: chunk ${index} has ${chunk.length} bytes, not ${expected}`);
  }
  parameters.set(decodeFloats(`checkpoint chunk ${index}`, chunk), at);
}
