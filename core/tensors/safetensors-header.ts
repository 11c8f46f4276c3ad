import * as z from "zod/mini";
import { FormatError } from "../errors.ts";
import { parseValue } from "../protocol/canonical-json.ts";
import { count } from "../protocol/schemas/primitives.ts";

export type Metadata = Readonly<Record<string, string>>;

export type SafetensorsLimits = { readonly maxHeaderBytes: number; readonly maxTensors: number };

export type SafetensorsHeader = {
  /** In the order of their data. */
  readonly entries: readonly HeaderEntry[];
  readonly metadata: Metadata;
  /** Where in the file the data begins. */
  readonly dataStart: number;
};

export type HeaderEntry = {
  readonly name: string;
  /** As it is written: other tools have more of them than are read here. */
  readonly dtype: string;
  /** Outermost dimension first. */
  readonly shape: readonly number[];
  /** First byte of its data, and the byte after its last, from the data's start. */
  readonly begin: number;
  readonly end: number;
};

export const METADATA = "__metadata__";
export const LENGTH_BYTES = 8;

const metadataSchema = z.record(z.string(), z.string());
const entrySchema = z.strictObject({
  dtype: z.string().check(z.regex(/^[A-Z][A-Z0-9_]{1,15}$/)),
  shape: z.array(count).check(z.maxLength(8)),
  data_offsets: z.tuple([count, count]),
});

/** Read a safetensors file's header (protocol T1); `what` names the file in FormatErrors. */
export function decodeSafetensorsHeader(
  what: string,
  bytes: Uint8Array,
  limits: SafetensorsLimits,
): SafetensorsHeader {
  const dataStart = LENGTH_BYTES + readHeaderLength(what, bytes, limits.maxHeaderBytes);
  const object = parseObject(what, bytes.subarray(LENGTH_BYTES, dataStart));
  const names = Object.keys(object).filter((name) => name !== METADATA);
  if (names.length > limits.maxTensors) {
    throw new FormatError(`${what}: ${names.length} tensors > ${limits.maxTensors}`);
  }
  const metadata = parseValue(`${what} metadata`, metadataSchema, object[METADATA] ?? {});
  const entries = names.map((name): HeaderEntry => {
    const entry = parseValue(`${what} "${name}"`, entrySchema, object[name]);
    const [begin, end] = entry.data_offsets;
    return { name, dtype: entry.dtype, shape: entry.shape, begin, end };
  });
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  return { entries, metadata, dataStart };
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
