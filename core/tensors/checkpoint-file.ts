import { assert, FormatError } from "../errors.ts";
import type { Layout } from "./layout.ts";
import { decodeFloats, encodeFloats } from "./little-endian.ts";
import { decodeSafetensors, encodeSafetensors, tensorOf } from "./safetensors.ts";
import type { Metadata } from "./safetensors-header.ts";

const LIMITS = { maxHeaderBytes: 1 << 20, maxTensors: 4096 }; // GPT-2 XL: 581 tensors, 60 KB

/** The flat `parameters` [N] as one plain safetensors file, for use elsewhere (protocol T6). */
export function encodeCheckpointFile(
  layout: Layout,
  parameters: Float32Array,
  metadata: Metadata,
): Uint8Array<ArrayBuffer> {
  assert(parameters.length === layout.size, "checkpoint file: parameters of another layout");
  const tensors = layout.tensors.map(({ name, shape, offset, size }) => {
    const bytes = encodeFloats(parameters.subarray(offset, offset + size));
    return { name, dtype: "F32" as const, shape, bytes };
  });
  return encodeSafetensors({ tensors, metadata });
}

/** The flat parameters [N] from any safetensors file that holds exactly the tensors of `layout`. */
export function decodeCheckpointFile(
  what: string,
  bytes: Uint8Array,
  layout: Layout,
): Float32Array<ArrayBuffer> {
  const file = decodeSafetensors(what, bytes, LIMITS);
  for (const { name, shape } of layout.tensors) {
    const tensor = tensorOf(what, file, name, "F32", shape.length);
    if (shape.some((length, axis) => length !== tensor.shape[axis])) {
      throw new FormatError(`${what}: "${name}" is [${tensor.shape}], not [${shape}]`);
    }
  }
  if (file.tensors.size !== layout.tensors.length) {
    throw new FormatError(`${what}: ${file.tensors.size} tensors, not ${layout.tensors.length}`);
  }
  const parameters = new Float32Array(layout.size);
  for (const { name, shape, offset } of layout.tensors) {
    const tensor = tensorOf(what, file, name, "F32", shape.length);
    parameters.set(decodeFloats(`${what} "${name}"`, tensor.bytes), offset);
  }
  return parameters;
}
