import { assert, FormatError } from "../errors.ts";
import type { GptArchitecture } from "../models/gpt-shapes.ts";
import { MAX_SHARD_BYTES } from "../protocol/limits.ts";
import { decodeSafetensors, encodeSafetensors, tensorOf } from "../tensors/safetensors.ts";

/**
 * Stretches of text as bytes [count, length]. A stretch is read in windows of the model's context, each
 * byte predicted from those before it in its window; it holds one byte more than its windows, the last
 * one's last target. Training takes stretches of one window; a held-out one is a unit of several.
 */
export type TextExamples = {
  readonly kind: "text";
  readonly count: number;
  readonly length: number;
  readonly bytes: Uint8Array;
};

const LIMITS = { maxHeaderBytes: 4096, maxTensors: 1 }; // one tensor needs 80 bytes of header

/** A shard file of text: safetensors with `bytes` U8 [count, length]. */
export function encodeTextExamples({
  count,
  length,
  bytes,
}: TextExamples): Uint8Array<ArrayBuffer> {
  return encodeSafetensors({
    tensors: [{ name: "bytes", dtype: "U8", shape: [count, length], bytes }],
    metadata: {},
  });
}

/**
 * Read a shard file or held-out set for `architecture`: stretches of one or more whole windows, every byte
 * in its vocabulary. Anything else is a FormatError that starts with `what`.
 */
export function decodeTextExamples(
  what: string,
  file: Uint8Array,
  { vocabulary, context }: GptArchitecture,
): TextExamples {
  if (file.length > MAX_SHARD_BYTES) {
    throw new FormatError(`${what}: ${file.length} bytes > ${MAX_SHARD_BYTES}`);
  }
  const tensors = decodeSafetensors(what, file, LIMITS);
  const { bytes, shape } = tensorOf(what, tensors, "bytes", "U8", 2);
  const [count = 0, length = 0] = shape;
  if (count === 0) throw new FormatError(`${what}: no examples`);
  if (length <= context || (length - 1) % context !== 0) {
    throw new FormatError(`${what}: ${length} bytes an example, not 1 + windows of ${context}`);
  }
  const foreign = bytes.findIndex((byte) => byte >= vocabulary);
  if (foreign !== -1) {
    const example = Math.floor(foreign / length);
    throw new FormatError(
      `${what}: byte ${bytes[foreign]} in example ${example} ≥ vocabulary ${vocabulary}`,
    );
  }
  return { kind: "text", count, length, bytes };
}

/** Several shards as one set, in the order given. */
export function joinTextExamples(parts: readonly TextExamples[]): TextExamples {
  const length = parts[0]?.length ?? 0;
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.bytes.length, 0));
  let at = 0;
  for (const part of parts) {
    if (part.length !== length) {
      throw new FormatError(`shards: examples of ${length} and of ${part.length} bytes`);
    }
    bytes.set(part.bytes, at);
    at += part.bytes.length;
  }
  return { kind: "text", count: parts.reduce((sum, { count }) => sum + count, 0), length, bytes };
}

/** The examples from…to−1, as views. */
export function sliceTextExamples(
  { length, bytes }: TextExamples,
  from: number,
  to: number,
): TextExamples {
  return {
    kind: "text",
    count: to - from,
    length,
    bytes: bytes.subarray(from * length, to * length),
  };
}

/** Stretches of several windows as ones of a single window each, in the same order. */
export function splitWindows(examples: TextExamples, context: number): TextExamples {
  const windows = (examples.length - 1) / context; // of each example
  if (windows === 1) return examples;
  const length = context + 1; // the last target of one is the first input of the next
  const bytes = new Uint8Array(examples.count * windows * length);
  for (let example = 0; example < examples.count; example++) {
    for (let window = 0; window < windows; window++) {
      const from = example * examples.length + window * context;
      const to = (example * windows + window) * length;
      bytes.set(examples.bytes.subarray(from, from + length), to);
    }
  }
  return { kind: "text", count: examples.count * windows, length, bytes };
}

/**
 * A whole text as stretches of one window: the next begins at the last one's last target, so that every
 * byte but the first is predicted; the last stretch ends where the text does.
 */
export function cutText(text: Uint8Array, context: number): TextExamples {
  assert(text.length > context, `a text of ${text.length} bytes has no window of ${context}`);
  const count = Math.ceil((text.length - 1) / context);
  const starts = Array.from({ length: count }, (_, i) =>
    Math.min(i * context, text.length - 1 - context),
  );
  return stretches(text, starts, context + 1);
}

/** `count` stretches of `windows` windows, spread evenly over the text. */
export function sampleText(
  text: Uint8Array,
  count: number,
  { windows, context }: { windows: number; context: number },
): TextExamples {
  const length = windows * context + 1;
  assert(text.length >= length, `a text of ${text.length} bytes has no ${windows} windows`);
  const starts = Array.from({ length: count }, (_, i) =>
    Math.floor(((text.length - length) * (2 * i + 1)) / (2 * count)),
  );
  return stretches(text, starts, length);
}

function stretches(text: Uint8Array, starts: readonly number[], length: number): TextExamples {
  const bytes = new Uint8Array(starts.length * length);
  starts.forEach((start, i) => {
    bytes.set(text.subarray(start, start + length), i * length);
  });
  return { kind: "text", count: starts.length, length, bytes };
}
