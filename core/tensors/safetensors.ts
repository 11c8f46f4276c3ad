import { FormatError } from "../errors.ts";
import { encodeCanonical } from "../protocol/canonical-json.ts";
import {
  decodeSafetensorsHeader,
  LENGTH_BYTES,
  METADATA,
  type Metadata,
  type SafetensorsLimits,
} from "./safetensors-header.ts";

const BYTES_PER_VALUE = { F32: 4, F16: 2, U32: 4, U16: 2, U8: 1 } as const;
export type Dtype = keyof typeof BYTES_PER_VALUE;

export type Tensor = {
  readonly name: string;
  readonly dtype: Dtype;
  /** Outermost dimension first. */
  readonly shape: readonly number[];
  /** Row-major, little-endian. */
  readonly bytes: Uint8Array;
};

export type SafetensorsFile = {
  /** By name, in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: Metadata;
};

const HEADER_ALIGNMENT = 8; // f32 data starts aligned in a file that is mapped into memory

type Content = { readonly tensors: Iterable<Tensor>; readonly metadata: Metadata };

/**
 * The one canonical safetensors file of `tensors` (protocol T2): RFC 8785 header padded with spaces,
 * data in code-unit order of the names without holes.
 * Format: https://github.com/huggingface/safetensors#format
 */
export function encodeSafetensors(file: Content): Uint8Array<ArrayBuffer> {
  const tensors = inOrder(file.tensors);
  const head = encodeSafetensorsHead({ tensors, metadata: file.metadata });
  const sizeBytes = tensors.reduce((size, { bytes }) => size + bytes.length, head.length);
  const encoded = new Uint8Array(sizeBytes);
  encoded.set(head);
  let at = head.length;
  for (const { bytes } of tensors) {
    encoded.set(bytes, at);
    at += bytes.length;
  }
  return encoded;
}

/** All of the canonical file that comes before its data: the header's length, the header, spaces. */
export function encodeSafetensorsHead(file: Content): Uint8Array<ArrayBuffer> {
  const tensors = inOrder(file.tensors);
  const entries: [string, unknown][] = [];
  if (Object.keys(file.metadata).length > 0) entries.push([METADATA, file.metadata]);
  let end = 0;
  for (const { name, dtype, shape, bytes } of tensors) {
    checkSize("safetensors", name, dtype, shape, bytes.length);
    entries.push([name, { dtype, shape, data_offsets: [end, end + bytes.length] }]);
    end += bytes.length;
  }
  const header = encodeCanonical(Object.fromEntries(entries));
  const headerBytes = Math.ceil(header.length / HEADER_ALIGNMENT) * HEADER_ALIGNMENT;
  const encoded = new Uint8Array(LENGTH_BYTES + headerBytes).fill(0x20, LENGTH_BYTES);
  new DataView(encoded.buffer).setUint32(0, headerBytes, true); // the high word stays 0
  encoded.set(header, LENGTH_BYTES);
  return encoded;
}

function inOrder(tensors: Iterable<Tensor>): Tensor[] {
  return [...tensors].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Read any valid safetensors file (protocol T1), whatever the order of its header; tensors are views
 * of `bytes`. `what` names the file in FormatErrors.
 */
export function decodeSafetensors(
  what: string,
  bytes: Uint8Array,
  limits: SafetensorsLimits,
): SafetensorsFile {
  const header = decodeSafetensorsHeader(what, bytes, limits);
  const data = bytes.subarray(header.dataStart);

  const tensors = new Map<string, Tensor>();
  let end = 0;
  for (const { name, dtype, shape, begin, end: tensorEnd } of header.entries) {
    if (begin > tensorEnd) throw new FormatError(`${what}: "${name}" ends before it begins`);
    if (begin < end) throw new FormatError(`${what}: "${name}" overlaps the tensor before it`);
    if (begin > end) throw new FormatError(`${what}: ${begin - end} unused bytes before "${name}"`);
    if (tensorEnd > data.length) {
      throw new FormatError(`${what}: "${name}" ends at ${tensorEnd} of ${data.length} data bytes`);
    }
    if (!isDtype(dtype)) throw new FormatError(`${what} "${name}": dtype ${dtype}`);
    checkSize(what, name, dtype, shape, tensorEnd - begin);
    tensors.set(name, { name, dtype, shape, bytes: data.subarray(begin, tensorEnd) });
    end = tensorEnd;
  }
  if (end < data.length) throw new FormatError(`${what}: ${data.length - end} trailing bytes`);
  return { tensors, metadata: header.metadata };
}

/** The tensor `name` of `file`, which must have this dtype and number of dimensions. */
export function tensorOf(
  what: string,
  file: SafetensorsFile,
  name: string,
  dtype: Dtype,
  dimensions: number,
): Tensor {
  const tensor = file.tensors.get(name);
  if (tensor === undefined) throw new FormatError(`${what}: no tensor "${name}"`);
  if (tensor.dtype !== dtype || tensor.shape.length !== dimensions) {
    throw new FormatError(
      `${what}: "${name}" is ${tensor.dtype} [${tensor.shape}], not ${dtype} with ${dimensions} dimensions`,
    );
  }
  return tensor;
}

function isDtype(dtype: string): dtype is Dtype {
  return Object.hasOwn(BYTES_PER_VALUE, dtype);
}

function checkSize(
  what: string,
  name: string,
  dtype: Dtype,
  shape: readonly number[],
  sizeBytes: number,
): void {
  const expected = shape.reduce((size, length) => size * length, BYTES_PER_VALUE[dtype]);
  if (expected !== sizeBytes) {
    throw new FormatError(`${what}: "${name}" ${dtype} [${shape}] in ${sizeBytes} bytes`);
  }
}
