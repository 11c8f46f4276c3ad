import { assert, FormatError } from "../errors.ts";
import { MAX_SHARD_BYTES } from "../protocol/limits.ts";
import { decodeIntegers, encodeIntegers, type Integers } from "../tensors/little-endian.ts";
import { decodeSafetensors, encodeSafetensors, tensorOf } from "../tensors/safetensors.ts";

/**
 * Stretches of text as tokens [count, length]; a byte is a token in a model of bytes. A stretch is read in windows,
 * each token predicted from those before it in its window; it holds one token more than its windows, the last
 * one's last target. Training takes stretches of one window; a held-out one is a unit of several.
 */
export type TextExamples = {
  readonly kind: "text";
  readonly count: number;
  readonly length: number;
  readonly tokens: Integers;
  /**
   * 1 for each target whose loss counts, else 0 [count, length − 1]: a prompt is read and only its completion learnt. Absent
   * where all count.
   */
  readonly counted?: Uint8Array;
};

/** What text a model reads. */
export type TextShape = {
  /** Tokens are below it. */
  readonly vocabulary: number;
  /** Tokens of a window. */
  readonly window: number;
};

const LIMITS = { maxHeaderBytes: 4096, maxTensors: 2 }; // two tensors need 170 bytes of header

/** A shard file of text: safetensors with `bytes` U8 [count, length], or `tokens` U16 or U32, and what is `counted`. */
export function encodeTextExamples({
  count,
  length,
  tokens,
  counted,
}: TextExamples): Uint8Array<ArrayBuffer> {
  const dtype = dtypeOf(tokens);
  const name = dtype === "U8" ? "bytes" : "tokens";
  const text = { name, dtype, shape: [count, length], bytes: encodeIntegers(tokens) } as const;
  const mask =
    counted === undefined
      ? []
      : [{ name: "counted", dtype: "U8", shape: [count, length - 1], bytes: counted } as const];
  return encodeSafetensors({ tensors: [text, ...mask], metadata: {} });
}

/**
 * Read a shard file or held-out set of text: stretches of one or more whole windows, every token in the vocabulary; where
 * only some targets count, stretches of one window, each with one that does. Anything else is a FormatError that
 * starts with `what`.
 */
export function decodeTextExamples(
  what: string,
  file: Uint8Array,
  { vocabulary, window }: TextShape,
  { maxBytes = MAX_SHARD_BYTES }: { readonly maxBytes?: number } = {},
): TextExamples {
  if (file.length > maxBytes) throw new FormatError(`${what}: ${file.length} bytes > ${maxBytes}`);
  const tensors = decodeSafetensors(what, file, LIMITS);
  const stored = tensors.tensors.get("tokens");
  const isWide = stored !== undefined;
  const dtype = isWide ? (stored.dtype === "U32" ? "U32" : "U16") : "U8";
  const { bytes, shape } = tensorOf(what, tensors, isWide ? "tokens" : "bytes", dtype, 2);
  const unit = isWide ? "token" : "byte";
  const [count = 0, length = 0] = shape;
  if (count === 0) throw new FormatError(`${what}: no examples`);
  if (length <= window || (length - 1) % window !== 0) {
    throw new FormatError(`${what}: ${length} ${unit}s an example, not 1 + windows of ${window}`);
  }
  const tokens = decodeIntegers(dtype, bytes);
  const foreign = tokens.findIndex((token) => token >= vocabulary);
  if (foreign !== -1) {
    const example = Math.floor(foreign / length);
    throw new FormatError(
      `${what}: ${unit} ${tokens[foreign]} in example ${example} ≥ vocabulary ${vocabulary}`,
    );
  }
  const others = [...tensors.tensors.keys()].filter(
    (name) => name !== (isWide ? "tokens" : "bytes"),
  );
  if (others.length === 0) return { kind: "text", count, length, tokens };
  if (others[0] !== "counted") throw new FormatError(`${what}: a tensor "${others[0]}"`);
  const mask = tensorOf(what, tensors, "counted", "U8", 2);
  checkCounted(what, mask, { count, length, window });
  return { kind: "text", count, length, tokens, counted: mask.bytes };
}

function dtypeOf({ BYTES_PER_ELEMENT: width }: Integers): "U8" | "U16" | "U32" {
  return width === 1 ? "U8" : width === 2 ? "U16" : "U32";
}

function checkCounted(
  what: string,
  { shape, bytes }: { readonly shape: readonly number[]; readonly bytes: Uint8Array },
  {
    count,
    length,
    window,
  }: { readonly count: number; readonly length: number; readonly window: number },
): void {
  if (shape[0] !== count || shape[1] !== length - 1) {
    throw new FormatError(`${what}: "counted" is [${shape}], not [${count},${length - 1}]`);
  }
  if (length !== window + 1) {
    throw new FormatError(`${what}: "counted" over ${length} tokens, not a window of ${window}`);
  }
  for (let example = 0; example < count; example++) {
    const row = bytes.subarray(example * window, (example + 1) * window);
    const odd = row.find((flag) => flag > 1);
    if (odd !== undefined) throw new FormatError(`${what}: ${odd} in "counted", not 0 or 1`);
    if (!row.includes(1)) throw new FormatError(`${what}: example ${example} counts no target`);
  }
}

/** Several shards as one set, in the order given; what counts in one of them must be said in each. */
export function joinTextExamples(parts: readonly TextExamples[]): TextExamples {
  const { length, counted } = parts[0] ?? { length: 0 };
  for (const part of parts) {
    if (part.length !== length) {
      throw new FormatError(`shards: examples of ${length} and of ${part.length} tokens`);
    }
    if ((part.counted === undefined) !== (counted === undefined)) {
      throw new FormatError("shards: some say which targets count, others do not");
    }
  }
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const tokens = joinIntegers(parts.map((part) => part.tokens));
  const joined = { kind: "text", count, length, tokens } as const;
  if (counted === undefined) return joined;
  const masks = parts.map((part) => part.counted ?? new Uint8Array());
  return { ...joined, counted: Uint8Array.from(joinIntegers(masks)) };
}

/** Arrays one behind the other, as wide as the widest of them. */
function joinIntegers(parts: readonly Integers[]): Integers {
  const size = parts.reduce((sum, { length }) => sum + length, 0);
  const width = Math.max(1, ...parts.map((part) => part.BYTES_PER_ELEMENT));
  const joined =
    width === 1
      ? new Uint8Array(size)
      : width === 2
        ? new Uint16Array(size)
        : new Uint32Array(size);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** The examples from…to−1, as views. */
export function sliceTextExamples(
  { length, tokens, counted }: TextExamples,
  from: number,
  to: number,
): TextExamples {
  const sliced = {
    kind: "text",
    count: to - from,
    length,
    tokens: tokens.subarray(from * length, to * length),
  } as const;
  if (counted === undefined) return sliced;
  return { ...sliced, counted: counted.subarray(from * (length - 1), to * (length - 1)) };
}

/** Stretches of several windows as ones of a single window each, in the same order. */
export function splitWindows(examples: TextExamples, window: number): TextExamples {
  const windows = (examples.length - 1) / window; // of each example
  if (windows === 1) return examples;
  const length = window + 1; // the last target of one is the first input of the next
  const split: Integers[] = [];
  for (let example = 0; example < examples.count; example++) {
    for (let at = 0; at < windows; at++) {
      const from = example * examples.length + at * window;
      split.push(examples.tokens.subarray(from, from + length));
    }
  }
  return { kind: "text", count: examples.count * windows, length, tokens: joinIntegers(split) };
}

/**
 * A whole text as stretches of one window: the next begins at the last one's last target, so that every
 * token but the first is predicted; the last stretch ends where the text does.
 */
export function cutText(text: Integers, window: number): TextExamples {
  assert(text.length > window, `a text of ${text.length} tokens has no window of ${window}`);
  const count = Math.ceil((text.length - 1) / window);
  const starts = Array.from({ length: count }, (_, i) =>
    Math.min(i * window, text.length - 1 - window),
  );
  return stretches(text, starts, window + 1);
}

/** `count` stretches of `windows` windows, spread evenly over the text. */
export function sampleText(
  text: Integers,
  count: number,
  { windows, window }: { windows: number; window: number },
): TextExamples {
  const length = windows * window + 1;
  assert(text.length >= length, `a text of ${text.length} tokens has no ${windows} windows`);
  const starts = Array.from({ length: count }, (_, i) =>
    Math.floor(((text.length - length) * (2 * i + 1)) / (2 * count)),
  );
  return stretches(text, starts, length);
}

function stretches(text: Integers, starts: readonly number[], length: number): TextExamples {
  const tokens = joinIntegers(starts.map((start) => text.subarray(start, start + length)));
  return { kind: "text", count: starts.length, length, tokens };
}
