import { assert, FormatError } from "../errors.ts";
import { BLOCK_VALUES } from "./quantiser.ts";

/** How many f32 lie between values before and after, as Exp-Golomb codes whose order each block of BLOCK_VALUES chooses. */
export type PackedMoves = {
  /** 0…31 for each block. */
  readonly orders: Uint8Array;
  /** The codes one after the other, high bits first, zero bits to the last byte's end. */
  readonly codes: Uint8Array;
};

const MAX_ORDER = 31;

/** Pack what leads from `before` [k] to `after` [k], bit by bit (protocol T13). */
export function encodeMoves(before: Float32Array, after: Float32Array): PackedMoves {
  assert(before.length === after.length, "moves: as many values after as before");
  const moves = movesBetween(bitsOf(before), bitsOf(after));
  const orders = new Uint8Array(Math.ceil(moves.length / BLOCK_VALUES));
  let bits = 0;
  for (let block = 0; block < orders.length; block++) {
    const inBlock = moves.subarray(block * BLOCK_VALUES, (block + 1) * BLOCK_VALUES);
    const { order, codeBits } = shortestOrder(inBlock);
    orders[block] = order;
    bits += codeBits;
  }
  const codes = new Uint8Array(Math.ceil(bits / 8));
  let at = 0;
  for (let i = 0; i < moves.length; i++) {
    const order = orders[Math.floor(i / BLOCK_VALUES)]!;
    const value = moves[i]! + powerOfTwo(order);
    const length = topBit(value);
    at += length - order; // the bytes are zero already
    for (let bit = length; bit >= 0; bit--, at++) {
      if (bit === 32 || ((value >>> bit) & 1) === 1) codes[at >>> 3]! |= 0x80 >>> (at & 7);
    }
  }
  return { orders, codes };
}

/** The values that the moves lead to from `before` [k]. Throws a FormatError for other codes than those of k values that are finite. */
export function applyMoves({ orders, codes }: PackedMoves, before: Float32Array) {
  if (orders.length !== Math.ceil(before.length / BLOCK_VALUES)) {
    throw new FormatError(`moves: ${orders.length} blocks for ${before.length} values`);
  }
  const after = new Float32Array(before);
  const bits = bitsOf(after);
  const sizeBits = codes.length * 8;
  const bitAt = (at: number) => (codes[at >>> 3]! >>> (7 - (at & 7))) & 1;
  let at = 0;
  for (let i = 0; i < bits.length; i++) {
    const order = orders[Math.floor(i / BLOCK_VALUES)]!;
    if (order > MAX_ORDER) throw new FormatError(`moves: a code of order ${order}`);
    let length = order;
    while (at < sizeBits && bitAt(at) === 0) {
      at++;
      length++;
    }
    if (length > 32 || at + length + 1 > sizeBits) {
      throw new FormatError(`moves: no code for value ${i} of ${before.length}`);
    }
    let value = 0;
    for (const end = at + length + 1; at < end; at++) value = 2 * value + bitAt(at);
    const zigzag = value - powerOfTwo(order);
    const move = (zigzag >>> 1) ^ -(zigzag & 1);
    bits[i] = inOrder((inOrder(bits[i]!) + move) | 0);
    if (!Number.isFinite(after[i]!)) throw new FormatError(`moves: value ${i} is not finite`);
  }
  if (Math.ceil(at / 8) !== codes.length) {
    throw new FormatError(`moves: ${codes.length - Math.ceil(at / 8)} bytes too many`);
  }
  return after;
}

/** How far apart the f32 are in their order: 0, −1, 1, −2, … as 0, 1, 2, 3, … */
function movesBetween(before: Int32Array, after: Int32Array): Uint32Array {
  const moves = new Uint32Array(before.length);
  for (let i = 0; i < moves.length; i++) {
    const move = (inOrder(after[i]!) - inOrder(before[i]!)) | 0;
    moves[i] = move < 0 ? -1 - 2 * move : 2 * move;
  }
  return moves;
}

/** The first of the orders by which the codes of `moves` are shortest. */
function shortestOrder(moves: Uint32Array): { order: number; codeBits: number } {
  let best = { order: 0, codeBits: Number.POSITIVE_INFINITY };
  for (let order = 0; order <= MAX_ORDER; order++) {
    let codeBits = 0;
    for (const move of moves) codeBits += 2 * topBit(move + powerOfTwo(order)) - order + 1;
    if (codeBits < best.codeBits) best = { order, codeBits };
  }
  return best;
}

function powerOfTwo(order: number): number {
  return (1 << order) >>> 0;
}

/** The number of the highest bit of a value of 1…2^33 − 1. */
function topBit(value: number): number {
  return value >= 0x1_0000_0000 ? 32 : 31 - Math.clz32(value);
}

/** An f32's bits as the integer that orders it among all f32, and back: before 0 comes −0, and before that the largest below it. */
function inOrder(bits: number): number {
  return bits < 0 ? bits ^ 0x7fffffff : bits;
}

function bitsOf(values: Float32Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length);
}
