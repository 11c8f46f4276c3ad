import type { Integers } from "../tensors/little-endian.ts";
import type { Examples } from "../training/examples.ts";
import type { ImageExamples } from "../training/image-examples.ts";
import type { TextExamples } from "../training/text-examples.ts";

/** Looks in other examples for those of a set, a suite (protocol U3) or data that come later (R10). */
export type LeakFinder = {
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
export function createLeakFinder(set: Examples, isBytes: boolean): LeakFinder {
  return set.kind === "images" ? findImages(set) : findStretches(set, isBytes);
}

function findImages({ count, pixels }: ImageExamples): LeakFinder {
  const width = pixels.length / count;
  const unseen = createCopies();
  const leaked = new Set<number>();
  const rowOf = (all: Uint8Array, row: number) => all.subarray(row * width, (row + 1) * width);
  for (let row = 0; row < count; row++) {
    const image = rowOf(pixels, row);
    unseen.add(fnv1a(image), image, row);
  }
  return {
    leaked: () => [...leaked].sort((a, b) => a - b),
    look(others) {
      if (others.kind !== "images") return;
      for (let at = 0; at < others.count; at++) {
        const image = rowOf(others.pixels, at);
        for (const row of unseen.take(fnv1a(image), image)) leaked.add(row);
      }
    },
  };
}

function findStretches(set: TextExamples, isBytes: boolean): LeakFinder {
  const { count, length } = set;
  const size = Math.min(STRETCH, length - 1);
  const unseen = createCopies();
  const stretches = new Uint32Array(count);
  const seen = new Uint32Array(count);
  for (let unit = 0; unit < count; unit++) {
    const tokens = plainText(rowTokens(set, unit), isBytes);
    for (let from = 0; from + size <= tokens.length; from += size) {
      const stretch = tokens.subarray(from, from + size);
      unseen.add(rollingHash(stretch, 0, size), stretch, unit);
      stretches[unit]!++;
    }
  }
  return {
    leaked: () =>
      Array.from(seen.keys()).filter((unit) => {
        return seen[unit]! > 0 && 2 * seen[unit]! >= stretches[unit]!;
      }),
    look(others) {
      if (others.kind !== "text") return;
      const tokens = plainText(joined(others), isBytes);
      for (const [hash, from] of rollingHashes(tokens, size)) {
        if (!unseen.mayHave(hash)) continue;
        for (const unit of unseen.take(hash, tokens.subarray(from, from + size))) seen[unit]!++;
      }
    },
  };
}

/** Contents of a set that no other examples had, and the places where each one is. */
type Copies = {
  add(hash: number, content: Integers, place: number): void;
  /** False where no content has that hash. */
  mayHave(hash: number): boolean;
  /** The places of a content, which is forgotten: a second copy says no more. */
  take(hash: number, content: Integers): readonly number[];
};

/**
 * Contents by their hash, and under it by all of their bytes: a contributor may choose contents whose hashes are equal, or one
 * content a thousand times, and a look costs as much as ever.
 */
function createCopies(): Copies {
  const known = new Map<number, Map<string, number[]>>();
  return {
    add(hash, content, place) {
      const alike = known.get(hash) ?? new Map<string, number[]>();
      known.set(hash, alike);
      const key = content.join();
      const places = alike.get(key) ?? [];
      alike.set(key, places);
      places.push(place);
    },
    mayHave: (hash) => known.has(hash),
    take(hash, content) {
      const alike = known.get(hash);
      if (alike === undefined) return [];
      const key = content.join();
      const places = alike.get(key) ?? [];
      alike.delete(key);
      if (alike.size === 0) known.delete(hash);
      return places;
    },
  };
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

/** Karp & Rabin's hash of `size` tokens from `from` on, modulo 2^32. */
function rollingHash(tokens: Integers, from: number, size: number): number {
  let hash = 0;
  for (let at = from; at < from + size; at++) hash = (Math.imul(hash, ROLL) + tokens[at]! + 1) | 0;
  return hash;
}

/** The hash of every stretch of `size` tokens, and where it begins. */
function* rollingHashes(tokens: Integers, size: number): Generator<[number, number]> {
  if (tokens.length < size) return;
  let weight = 1; // of the token that leaves
  for (let i = 0; i < size; i++) weight = Math.imul(weight, ROLL);
  let hash = rollingHash(tokens, 0, size);
  yield [hash, 0];
  for (let from = 1; from + size <= tokens.length; from++) {
    const entering = Math.imul(hash, ROLL) + tokens[from + size - 1]! + 1;
    hash = (entering - Math.imul(weight, tokens[from - 1]! + 1)) | 0;
    yield [hash, from];
  }
}

function fnv1a(bytes: Uint8Array): number {
  let hash = FNV_START;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, FNV_PRIME);
  return hash;
}
