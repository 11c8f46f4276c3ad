/** Files with mistakes in them: bytes that are changed, cut off, put in, and numbers in a header that say something else. */
import fc from "fast-check";

export type Mutation = {
  readonly kind: "set" | "flip" | "cut" | "drop" | "insert" | "repeat" | "word" | "digits";
  /** Where, as a share of the file in 2^-20. */
  readonly at: number;
  readonly value: number;
};

const SHARE = 1 << 20;
const BOUNDARIES = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
const MOST_AT_ONCE = 16; // bytes that are dropped, put in or repeated

const anyMutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom("set", "flip", "cut", "drop", "insert", "repeat", "word", "digits"),
  at: fc.nat(SHARE - 1),
  value: fc.oneof(fc.constantFrom(...BOUNDARIES), fc.nat(0xffff_ffff)),
});

/** One to four of them: with more, hardly a file is read further than its first line. */
export const mutations = fc.array(anyMutation, { minLength: 1, maxLength: 4 });

export function mutate(file: Uint8Array, changes: readonly Mutation[]): Uint8Array<ArrayBuffer> {
  let bytes = Uint8Array.from(file);
  for (const change of changes) bytes = applyMutation(bytes, change);
  return bytes;
}

function applyMutation(
  bytes: Uint8Array<ArrayBuffer>,
  { kind, at: share, value }: Mutation,
): Uint8Array<ArrayBuffer> {
  const at = Math.floor((share / SHARE) * bytes.length);
  const size = value % MOST_AT_ONCE;
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (kind) {
    case "set":
      return bytes.map((byte, i) => (i === at ? value : byte));
    case "flip":
      return bytes.map((byte, i) => (i === at ? byte ^ (1 << (value % 8)) : byte));
    case "cut":
      return before.slice();
    case "drop":
      return joined(before, after.subarray(size));
    case "insert":
      return joined(before, new Uint8Array(size).fill(value), after);
    case "repeat":
      return joined(before, after.subarray(0, size), after);
    case "word":
      return withWord(bytes, at, value);
    case "digits":
      return withDigits(bytes, at, value);
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function withWord(bytes: Uint8Array<ArrayBuffer>, at: number, value: number) {
  const changed = bytes.slice();
  if (at + 4 <= changed.length) new DataView(changed.buffer).setUint32(at, value, true);
  return changed;
}

/** The next number that is written in the file becomes another one of as many digits, so that the file stays in form. */
function withDigits(bytes: Uint8Array<ArrayBuffer>, at: number, value: number) {
  const isDigit = (byte: number | undefined) => byte !== undefined && byte >= 0x30 && byte <= 0x39;
  const changed = bytes.slice();
  let start = at;
  while (start < changed.length && !isDigit(changed[start])) start++;
  for (let i = start, left = value; isDigit(changed[i]); i++, left = Math.floor(left / 10)) {
    changed[i] = 0x30 + (left % 10);
  }
  return changed;
}
