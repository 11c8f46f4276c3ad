import { FormatError } from "../errors.ts";
import { decodeHex, encodeHex } from "../hex.ts";

/** Which chunks of a list somebody has: chunk i is bit 7 − (i mod 8) of byte ⌊i / 8⌋, the rest of the last byte is 0. */
export type Bitfield = Uint8Array<ArrayBuffer>;

export function createBitfield(chunks: number): Bitfield {
  return new Uint8Array(Math.ceil(chunks / 8));
}

export function hasChunk(bitfield: Bitfield, index: number): boolean {
  return ((bitfield[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0;
}

export function addChunk(bitfield: Bitfield, index: number): void {
  bitfield[index >> 3] = (bitfield[index >> 3] ?? 0) | (0x80 >> (index & 7));
}

/** Whether a chunk is in both, which are of one list. */
export function haveInCommon(a: Bitfield, b: Bitfield): boolean {
  for (let i = 0; i < a.length; i++) if (((a[i] ?? 0) & (b[i] ?? 0)) !== 0) return true;
  return false;
}

/** The chunks of a list of so many that are not in `bitfield`. */
export function otherChunks(bitfield: Bitfield, chunks: number): Bitfield {
  const others = createBitfield(chunks);
  for (let i = 0; i < chunks; i++) if (!hasChunk(bitfield, i)) addChunk(others, i);
  return others;
}

/** A bitfield as it travels (protocol W5). */
export function encodeBitfield(bitfield: Bitfield): string {
  return bitfield.some((byte) => byte !== 0) ? encodeHex(bitfield) : "";
}

/** The bitfield [⌈chunks / 8⌉] that `text` says. Throws a FormatError for any text that `encodeBitfield` does not make. */
export function decodeBitfield(text: string, chunks: number): Bitfield {
  const none = createBitfield(chunks);
  if (text === "") return none;
  if (text.length !== 2 * none.length) {
    throw new FormatError(
      `have: ${text.length} digits for ${chunks} chunks, not ${2 * none.length}`,
    );
  }
  const bitfield = decodeHex(text);
  const padding = 8 * none.length - chunks;
  if (((bitfield.at(-1) ?? 0) & ((1 << padding) - 1)) !== 0) {
    throw new FormatError(`have: names a chunk after the last of ${chunks}`);
  }
  if (encodeBitfield(bitfield) === "")
    throw new FormatError("have: nothing is written as no digits");
  return bitfield;
}
