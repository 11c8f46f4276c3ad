import * as z from "zod/mini";
import { FormatError } from "../errors.ts";
import { encodeCanonical, parseValue } from "../protocol/canonical-json.ts";
import { count } from "../protocol/schemas/primitives.ts";

const BYTES_PER_VALUE = { F32: 4, F16: 2, U8: 1 } as const;
export type Dtype = keyof typeof BYTES_PER_VALUE;

export type Tensor = {
  readonly name: string;
  readonly dtype: Dtype;
  /** Outermost dimension first. */
  readonly shape: readonly number[];
  /** Row-major, little-endian. */
  readonly bytes: Uint8Array;
};

export type Metadata = Readonly<Record<string, string>>;

export type SafetensorsFile = {
  /** By name, in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: Metadata;
};

export type SafetensorsLimits = { readonly maxHeaderBytes: number; readonly maxTensors: number };

const METADATA = "__metadata__";
const LENGTH_BYTES = 8;
const HEADER_ALIGNMENT = 8; // f32 data starts aligned in a file that is mapped into memory

const metadataSchema = z.record(z.string(), z.string());
const entrySchema = z.strictObject({
  dtype: z.enum(["F32", "F16", "U8"]),
  shape: z.array(count).check(z.maxLength(8)),
  data_offsets: z.tuple([count, count]),
});

/**
 * The one canonical safetensors file of `tensors` (protocol T2): RFC 8785 header padded with spaces,
 * data in code-unit order of the names without holes.
 * Format: https://github.com/huggingface/safetensors#format
 */
export function encodeSafetensors(file: {
  readonly tensors: Iterable<Tensor>;
  readonly metadata: Metadata;
}): Uint8Array<ArrayBuffer> {
  const tensors = [...file.tensors].sort((a, b) => (a.name < b.name ? -1 : 1));
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
  const encoded = new Uint8Array(LENGTH_BYTES + headerBytes + end);
  new DataView(encoded.buffer).setUint32(0, headerBytes, true); // the high word stays 0
  encoded.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + headerBytes).set(header, LENGTH_BYTES);
  let at = LENGTH_BYTES + headerBytes;
  for (const { bytes } of tensors) {
    encoded.set(bytes, at);
    at += bytes.length;
  }
  return encoded;
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
  const headerBytes = readHeaderLength(what, bytes, limits.maxHeaderBytes);
  const dataStart = LENGTH_BYTES + headerBytes;
  const header = parseHeader(what, bytes.subarray(LENGTH_BYTES, dataStart), limits.maxTensors);
  const data = bytes.subarray(dataStart);

  const tensors = new Map<string, Tensor>();
  let end = 0;
  for (const { name, dtype, shape, begin, end: tensorEnd } of header.entries) {
    if (begin > tensorEnd) throw new FormatError(`${what}: "${name}" ends before it begins`);
    if (begin < end) throw new FormatError(`${what}: "${name}" overlaps the tensor before it`);
    if (begin > end) throw new FormatError(`${what}: ${begin - end} unused bytes before "${name}"`);
    if (tensorEnd > data.length) {
      throw new FormatError(`${what}: "${name}" ends at ${tensorEnd} of ${data.length} data bytes`);
    }
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

function readHeaderLength(what: string, bytes: Uint8Array, maxHeaderBytes: number): number {
  if (bytes.length < LENGTH_BYTES) throw new FormatError(`${what}: ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = view.getUint32(0, true) + view.getUint32(4, true) * 0x1_0000_0000;
  if (headerBytes > maxHeaderBytes) {
    throw new FormatError(`${what}: header of ${headerBytes} bytes > ${maxHeaderBytes}`);
  }
  if (LENGTH_BYTES + headerBytes > bytes.length) {
    throw new FormatError(`${what}: ${bytes.length} bytes end inside the header`);
  }
  return headerBytes;
}

type HeaderEntry = {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
};

/** The header's entries in the order of their data. */
function parseHeader(
  what: string,
  bytes: Uint8Array,
  maxTensors: number,
): { entries: HeaderEntry[]; metadata: Metadata } {
  const object = parseObject(what, bytes);
  const names = Object.keys(object).filter((name) => name !== METADATA);
  if (names.length > maxTensors) {
    throw new FormatError(`${what}: ${names.length} tensors > ${maxTensors}`);
  }
  const metadata = parseValue(`${what} metadata`, metadataSchema, object[METADATA] ?? {});
  const entries = names.map((name): HeaderEntry => {
    const entry = parseValue(`${what} "${name}"`, entrySchema, object[name]);
    const [begin, end] = entry.data_offsets;
    return { name, dtype: entry.dtype, shape: entry.shape, begin, end };
  });
  return { entries: entries.sort((a, b) => a.begin - b.begin || a.end - b.end), metadata };
}

function parseObject(what: string, bytes: Uint8Array): Record<string, unknown> {
  if (bytes[0] !== 0x7b) throw new FormatError(`${what}: header does not begin with "{"`);
  let text: string;
  let value: Record<string, unknown>;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    value = JSON.parse(text) as Record<string, unknown>; // begins with "{": an object
  } catch {
    throw new FormatError(`${what}: header is not JSON in UTF-8`);
  }
  refuseDuplicateKeys(what, text, value);
  return value;
}

/** JSON.parse keeps the last of two equal keys: compare how many the text has with how many are left. */
function refuseDuplicateKeys(what: string, text: string, value: Record<string, unknown>): void {
  let written = 0;
  for (const [, colon] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"\s*(:?)/g)) {
    if (colon === ":") written++;
  }
  let kept = Object.keys(value).length;
  for (const entry of Object.values(value)) {
    if (typeof entry === "object" && entry !== null) kept += Object.keys(entry).length;
    if (Array.isArray(entry)) kept -= entry.length; // an array's keys are not written
  }
  if (written > kept) throw new FormatError(`${what}: a key twice in the header`);
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
