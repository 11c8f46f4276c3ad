import { FormatError } from "../errors.ts";

const ZERO_NIBBLE = 8; // stored is code + 8: −7…7 → 1…15

/** 4-bit `codes` [k] two a byte, the first in the low half; an odd one is followed by a zero (protocol Q4). */
export function packCodes(codes: Int8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.ceil(codes.length / 2));
  for (let i = 0; i < bytes.length; i++) {
    const low = codes[2 * i]! + ZERO_NIBBLE;
    const high = (codes[2 * i + 1] ?? 0) + ZERO_NIBBLE;
    bytes[i] = low | (high << 4);
  }
  return bytes;
}

/** The `count` codes in `bytes`; the caller has checked the length. */
export function unpackCodes(bytes: Uint8Array, count: number): Int8Array {
  const codes = new Int8Array(count + (count % 2));
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if ((byte & 0x0f) === 0 || byte < 0x10) throw new FormatError(`codes: byte ${i} holds −8`);
    codes[2 * i] = (byte & 0x0f) - ZERO_NIBBLE;
    codes[2 * i + 1] = (byte >>> 4) - ZERO_NIBBLE;
  }
  if (count % 2 === 1 && codes[count] !== 0) throw new FormatError("codes: padding is not zero");
  return codes.subarray(0, count);
}
