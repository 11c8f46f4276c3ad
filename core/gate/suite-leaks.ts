import { FormatError } from "../errors.ts";
import type { Integers } from "../tensors/little-endian.ts";
import type { Examples } from "../training/examples.ts";
import type { TextExamples } from "../training/text-examples.ts";

/** Looks in other examples for those of a set, a suite (protocol U3) or data that come later (R10). */
export type LeakFinder = {
  /** Rows of the set, after those that it has. Throws a FormatError for text in rows of another length. */
  add(rows: Examples): void;
  /** Look for all rows that were added. */
  look(others: Examples): void;
  /** The rows of the set that were among the others, ascending. */
  leaked(): readonly number[];
};

const STRETCH = 64; // tokens: as long as a sentence, which nobody writes twice by chance
const FNV_PRIME = 0x01000193;
const FNV_START = 0x811c9dc5;
const ROLL = 0x9e3779b1; // odd, so that no token's weight vanishes modulo 2^32

/**
 * Finds copies by the rule of imports: inputs that are equal, whatever their class; text that is equal but for case and white
 * space, where a token is a byte (`isBytes`). A unit of text is a copy when half of its stretches are among the others.
 */
export function createLeakFinder(kind: Examples["kind"], isBytes: boolean): LeakFinder {
  return kind === "images" ? findImages() : findStretches(isBytes);
}

function findImages(): LeakFinder {
  const unseen = createCopies();
  const leaked = new Set<number>();
  let rows = 0;
  return {
    leaked: () => [...leaked].sort((a, b) => a - b),
    add(set) {
      for (const image of imagesOf(set)) unseen.add(fnv1a(image), image, rows++);
    },
    look(others) {
      for (const image of imagesOf(others)) {
        if (!unseen.mayHave(fnv1a(image))) continue;
        for (const row of unseen.take(image)) leaked.add(row);
      }
    },
  };
}

function* imagesOf(examples: Examples): Generator<Uint8Array> {
  if (examples.kind !== "images") return;
  const { count, pixels } = examples;
  const width = pixels.length / count;
  for (let row = 0; row < count; row++) yield pixels.subarray(row * width, (row + 1) * width);
}

function findStretches(isBytes: boolean): LeakFinder {
  const unseen = createCopies();
  const stretches: number[] = []; // of each unit
  const seen: number[] = [];
  let unitLength: number | null = null;
  let size = STRETCH;
  let leaving = 0; // the weight in a hash of the token that leaves

  function open(length: number): void {
    if (unitLength !== null && unitLength !== length) {
      throw new FormatError(`shards: examples of ${unitLength} and of ${length} tokens`);
    }
    unitLength = length;
    size = Math.min(STRETCH, length - 1);
    leaving = leavingWeight(size);
  }
  return {
    leaked: () =>
      [...seen.keys()].filter((unit) => seen[unit]! > 0 && 2 * seen[unit]! >= stretches[unit]!),
    add(set) {
      if (set.kind !== "text") return;
      open(set.length);
      for (let row = 0; row < set.count; row++) {
        const tokens = plainText(rowTokens(set, row), isBytes);
        const unit = stretches.length;
        const own = Math.floor(tokens.length / size);
        for (let at = 0; at < own; at++) {
          const stretch = tokens.subarray(at * size, (at + 1) * size);
          unseen.add(rollingHash(stretch), stretch, unit);
        }
        stretches.push(own);
        seen.push(0);
      }
    },
    look(others) {
      if (others.kind !== "text") return;
      const tokens = plainText(joined(others), isBytes);
      const last = tokens.length - size; // where the last stretch begins
      if (last < 0) return;
      let hash = rollingHash(tokens.subarray(0, size));
      for (let from = 0; ; from++) {
        if (unseen.mayHave(hash)) {
          for (const unit of unseen.take(tokens.subarray(from, from + size))) seen[unit]!++;
        }
        if (from === last) return;
        const entering = Math.imul(hash, ROLL) + tokens[from + size]! + 1;
        hash = (entering - Math.imul(leaving, tokens[from]! + 1)) | 0;
      }
    },
  };
}

/** Contents of a set that no other examples had, and the places where each one is. */
type Copies = {
  add(hash: number, content: Integers, place: number): void;
  /** False where no content has that hash. True for some that none has: fewer than one in 64, where there are two million contents. */
  mayHave(hash: number): boolean;
  /** The places of a content, which is forgotten: a second copy says no more. */
  take(content: Integers): readonly number[];
};

const FILTER_WORDS_LOG2 = 21; // one word for each of two million contents, and 8 MiB of memory
const MIX = 0x85ebca6b;

/**
 * Contents by all of their bytes: a contributor may choose contents whose hashes are equal, or one content a thousand times, and
 * a look costs as much as ever. The hash only spares most contents the look: two bits in a word of a filter (Putze et al. 2007).
 */
function createCopies(): Copies {
  const known = new Map<string, number | number[]>();
  const filter = new Uint32Array(2 ** FILTER_WORDS_LOG2);
  const wordOf = (hash: number) => Math.imul(hash, ROLL) >>> (32 - FILTER_WORDS_LOG2);
  const bitsOf = (hash: number) => {
    const mixed = Math.imul(hash ^ (hash >>> 15), MIX);
    return (1 << (mixed >>> 27)) | (1 << ((mixed >>> 22) & 31));
  };
  return {
    add(hash, content, place) {
      filter[wordOf(hash)]! |= bitsOf(hash);
      const key = keyOf(content);
      const places = known.get(key);
      if (places === undefined) known.set(key, place);
      else if (typeof places === "number") known.set(key, [places, place]);
      else places.push(place);
    },
    mayHave(hash) {
      const bits = bitsOf(hash);
      return (filter[wordOf(hash)]! & bits) >>> 0 === bits >>> 0;
    },
    take(content) {
      const key = keyOf(content);
      const places = known.get(key);
      if (places === undefined) return [];
      known.delete(key);
      return typeof places === "number" ? [places] : places;
    },
  };
}

const BYTES = new TextDecoder("latin1"); // each byte is a character of its own

/** A content as text, which is what a Map finds fast: equal values give one key, however wide their arrays are. */
function keyOf(content: Integers): string {
  const { buffer, byteOffset, byteLength } = narrowed(content);
  return BYTES.decode(new Uint8Array(buffer, byteOffset, byteLength));
}

/** The values in as few bytes each as the largest of them needs. */
function narrowed(content: Integers): Integers {
  if (content.BYTES_PER_ELEMENT === 1) return content;
  let most = 0;
  for (const value of content) most = Math.max(most, value);
  if (most < 2 ** 8) return Uint8Array.from(content);
  if (most < 2 ** 16 && content.BYTES_PER_ELEMENT > 2) return Uint16Array.from(content);
  return content;
}

function rowTokens({ tokens, length }: TextExamples, row: number): Integers {
  return tokens.subarray(row * length, (row + 1) * length);
}

/** The stretches of a shard as the text that they were cut from: one begins with the last token of the one before. */
function joined(shard: TextExamples): Integers {
  const text = shard.tokens.slice();
  let size = 0;
  for (let row = 0; row < shard.count; row++) {
    const own = rowTokens(shard, row);
    const added = size > 0 && text[size - 1] === own[0] ? own.subarray(1) : own;
    text.set(added, size);
    size += added.length;
  }
  return text.subarray(0, size);
}

const [SPACE, UPPER_A, UPPER_Z, TO_LOWER] = [0x20, 0x41, 0x5a, 0x20];

/** Bytes in lower case, each run of white space as one space; other tokens as they are. */
function plainText(tokens: Integers, isBytes: boolean): Integers {
  if (!isBytes) return tokens;
  const plain = new Uint8Array(tokens.length);
  let size = 0;
  for (const token of tokens) {
    const isSpace = token === SPACE || (token >= 0x09 && token <= 0x0d);
    if (isSpace && size > 0 && plain[size - 1] === SPACE) continue;
    const isUpper = token >= UPPER_A && token <= UPPER_Z;
    plain[size++] = isSpace ? SPACE : isUpper ? token + TO_LOWER : token;
  }
  return plain.subarray(0, size);
}

/** Karp & Rabin's hash of some tokens, modulo 2^32. */
function rollingHash(tokens: Integers): number {
  let hash = 0;
  for (const token of tokens) hash = (Math.imul(hash, ROLL) + token + 1) | 0;
  return hash;
}

/** The weight in a hash of the token that leaves a stretch of `size`, once another one has entered. */
function leavingWeight(size: number): number {
  let weight = 1;
  for (let i = 0; i < size; i++) weight = Math.imul(weight, ROLL);
  return weight;
}

function fnv1a(bytes: Uint8Array): number {
  let hash = FNV_START;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, FNV_PRIME);
  return hash;
}
