import { assert, FormatError } from "../errors.ts";

const WINDOW_BITS = 25; // of 32 bits read at a byte, this many are left after skipping up to 7
const MAX_STREAM_BYTES = 0x1fff_fff0; // bit addresses stay below 2^32

/**
 * Low bits of a gap that are stored as they are (protocol M4): the largest b ≥ 0 with
 * 2^b · 266 · count ≤ 128 · (2·size − count), so that a random mask costs least. Derived, not
 * stored: one list of positions has one encoding. Source of the rule: Kiely 2004, IPN 42-159 §III.
 */
export function riceParameter(count: number, size: number): number {
  let b = 0;
  while (2 * (1 << b) * 266 * count <= 128 * (2 * size - count)) b++;
  return b;
}

/**
 * Strictly ascending `positions` [count] below `size` as Rice-coded gaps (protocol M3): each gap − 1
 * as its quotient by 2^b in zeros, a one, and b low bits; high bits first, zero bits to the last byte's end.
 */
export function encodePositions(positions: Uint32Array, size: number): Uint8Array<ArrayBuffer> {
  const count = positions.length;
  if (count === 0) return new Uint8Array(0);
  const b = riceParameter(count, size);
  const sizeBytes = Math.ceil(streamBits(positions, size, b) / 8);
  assert(sizeBytes <= MAX_STREAM_BYTES, `positions: ${sizeBytes} bytes`);
  const bytes = new Uint8Array(sizeBytes + 8); // room for whole words at the end
  const view = new DataView(bytes.buffer);

  function put(value: number, width: number, at: number): void {
    const byte = at >>> 3;
    view.setUint32(byte, view.getUint32(byte) | (value << (32 - (at & 7) - width)));
  }

  let at = 0; // in bits
  let next = 0; // the smallest position that may follow
  for (let i = 0; i < count; i++) {
    const gap = positions[i]! - next;
    next = positions[i]! + 1;
    at += gap >>> b; // the bytes are zero already
    const tail = (1 << b) | (gap & ((1 << b) - 1));
    if (b + 1 <= WINDOW_BITS) {
      put(tail, b + 1, at);
    } else {
      put(tail >>> 16, b + 1 - 16, at);
      put(tail & 0xffff, 16, at + b + 1 - 16);
    }
    at += b + 1;
  }
  return bytes.slice(0, sizeBytes);
}

function streamBits(positions: Uint32Array, size: number, b: number): number {
  let bits = positions.length * (b + 1);
  let next = 0;
  for (let i = 0; i < positions.length; i++) {
    const position = positions[i]!;
    assert(position >= next && position < size, "positions: not ascending below the size");
    bits += (position - next) >>> b;
    next = position + 1;
  }
  return bits;
}

/**
 * The `count` positions below `size` that `bytes` holds, strictly ascending; a FormatError unless the
 * bytes are exactly what `encodePositions` writes. Nothing is allocated before the length can be true.
 */
export function decodePositions(bytes: Uint8Array, count: number, size: number): Uint32Array {
  if (count > size) throw new FormatError(`positions: ${count} of ${size}`);
  const b = count === 0 ? 0 : riceParameter(count, size);
  const least = Math.ceil((count * (b + 1)) / 8);
  const most = Math.ceil((count * (b + 1) + Math.floor((size - count) / (1 << b))) / 8);
  if (bytes.length < least) throw truncated(bytes.length, count);
  if (bytes.length > Math.min(count === 0 ? 0 : most, MAX_STREAM_BYTES)) {
    throw new FormatError(`positions: ${bytes.length} bytes for ${count} of ${size}`);
  }
  const positions = new Uint32Array(count);
  const endBits = readGaps(bytes, b, positions, size);
  if (endBits > bytes.length * 8) throw truncated(bytes.length, count);
  if (Math.ceil(endBits / 8) !== bytes.length) {
    throw new FormatError(`positions: ${bytes.length - Math.ceil(endBits / 8)} bytes too many`);
  }
  if (endBits % 8 !== 0 && (bytes.at(-1)! & (0xff >>> (endBits % 8))) !== 0) {
    throw new FormatError("positions: padding bits that are not zero");
  }
  return positions;
}

/** Fill `positions` from the gaps in `bytes` and return where in bits the last one ends. */
function readGaps(bytes: Uint8Array, b: number, positions: Uint32Array, size: number): number {
  const padded = new Uint8Array(bytes.length + 16); // whole words can be read at and past the end
  padded.set(bytes);
  const view = new DataView(padded.buffer);
  const sizeBits = bytes.length * 8;
  let at = 0;
  let next = 0;
  for (let i = 0; i < positions.length; i++) {
    let window = view.getUint32(at >>> 3) << (at & 7);
    let zeros = Math.clz32(window);
    let low: number;
    if (zeros + 1 + b <= WINDOW_BITS) {
      low = ((window << (zeros + 1)) >>> 1) >>> (31 - b); // two shifts: by 32 would be by 0
      at += zeros + 1 + b;
    } else {
      zeros = 0;
      while (window >>> (32 - WINDOW_BITS) === 0) {
        zeros += WINDOW_BITS;
        at += WINDOW_BITS;
        if (at > sizeBits) throw truncated(bytes.length, positions.length);
        window = view.getUint32(at >>> 3) << (at & 7);
      }
      const run = Math.clz32(window);
      zeros += run;
      at += run + 1;
      low = readBits(view, at, b);
      at += b;
    }
    const position = next + zeros * (1 << b) + low;
    if (position >= size) throw new FormatError(`positions: index ${position} ≥ size ${size}`);
    if (at > sizeBits) throw truncated(bytes.length, positions.length);
    positions[i] = position;
    next = position + 1;
  }
  return at;
}

/** The `width` ≤ 30 bits at `at`. */
function readBits(view: DataView, at: number, width: number): number {
  const byte = at >>> 3;
  const skip = at & 7;
  const high = (view.getUint32(byte) << skip) | (view.getUint8(byte + 4) >>> (8 - skip));
  return (high >>> 1) >>> (31 - width);
}

function truncated(sizeBytes: number, count: number): FormatError {
  return new FormatError(`positions: ${sizeBytes} bytes end before ${count} positions`);
}
