import { assert, FormatError } from "../errors.ts";
import { createRandom } from "../random.ts";

/**
 * `count` distinct positions of 0…size − 1, ascending [count], every choice equally likely
 * (protocol M1). `seedHex` is 16 bytes in hexadecimal. Integers only, so that every party derives
 * the same; takes size / 8 bytes and at most 1.4 draws per position on average.
 */
export function randomPositions(seedHex: string, count: number, size: number): Uint32Array {
  if (!/^[0-9a-f]{32}$/.test(seedHex)) throw new FormatError("mask: seed is not 16 bytes of hex");
  if (!Number.isInteger(count) || count < 1 || count > size) {
    throw new FormatError(`mask: ${count} positions of ${size}`);
  }
  // Drawing the smaller half keeps repeated hits below one in two.
  const drawsExcluded = count > size / 2;
  const drawn = drawBits(seedHex, drawsExcluded ? size - count : count, size);
  return collectPositions(drawn, drawsExcluded, count, size);
}

/** A bit set of `size` bits, 32 a word, in which `count` random ones are set. */
function drawBits(seedHex: string, count: number, size: number): Int32Array {
  const random = createRandom(seedHex);
  const words = new Int32Array(Math.ceil(size / 32));
  for (let left = count; left > 0; ) {
    const position = random.below(size);
    const word = position >>> 5;
    const bit = 1 << (position & 31);
    const before = words[word]!;
    if ((before & bit) !== 0) continue;
    words[word] = before | bit;
    left--;
  }
  return words;
}

/** The positions of the ones in `words`, or of the zeros below `size` when `inverted`. */
function collectPositions(words: Int32Array, inverted: boolean, count: number, size: number) {
  const positions = new Uint32Array(count);
  let found = 0;
  for (let word = 0; word < words.length; word++) {
    let bits = inverted ? ~words[word]! : words[word]!;
    while (bits !== 0) {
      const bit = 31 - Math.clz32(bits & -bits); // the lowest one
      bits &= bits - 1;
      const position = word * 32 + bit;
      if (position < size) positions[found++] = position;
    }
  }
  assert(found === count, `mask: ${found} of ${count} positions`);
  return positions;
}
