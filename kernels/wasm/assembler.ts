/**
 * The few WebAssembly instructions that the CPU kernels are written in, and the module around them, so
 * that no compiler and no binary file is part of the project.
 * Encoding: https://webassembly.github.io/spec/core/binary (SIMD included).
 */

import { MOST_PAGES } from "./memory.ts";

/** Bytes of instructions, nested as they were put together. */
export type Code = readonly (number | Code)[];

export type WasmFunction = {
  readonly name: string;
  /** i32 parameters, the locals 0, 1, … */
  readonly parameters: number;
  /** Locals behind the parameters, in this order. */
  readonly locals: { readonly i32: number; readonly f32: number; readonly v128: number };
  readonly body: Code;
};

const I32 = 0x7f;
const F32 = 0x7d;
const V128 = 0x7b;
const EMPTY = 0x40; // a block that leaves nothing on the stack
const ALIGN_4 = 2; // log2 of the bytes that every address is a multiple of

export const get = (local: number): Code => [0x20, unsigned(local)];
export const set = (local: number, value: Code): Code => [value, 0x21, unsigned(local)];
export const constant = (value: number): Code => [0x41, signed(value)];

export const add = (a: Code, b: Code): Code => [a, b, 0x6a];
export const subtract = (a: Code, b: Code): Code => [a, b, 0x6b];
export const multiply = (a: Code, b: Code): Code => [a, b, 0x6c];
export const divide = (a: Code, b: Code): Code => [a, b, 0x6e];
export const remainder = (a: Code, b: Code): Code => [a, b, 0x70];
export const increase = (local: number, by: Code): Code => set(local, add(get(local), by));
export const loadInteger = (address: Code): Code => [address, 0x28, ALIGN_4, 0];

/** `body` as long as the i32 local `counter` ≤ `last`, compared as signed numbers. */
export const whileAtMost = (counter: number, last: Code, body: Code): Code => [
  [0x02, EMPTY], // block: the way out
  [0x03, EMPTY], // loop: the way back
  [get(counter), last, 0x4a, 0x0d, 1], // greater than: leave
  body,
  [0x0c, 0, 0x0b, 0x0b],
];

/** The same arithmetic on one f32 or on four at once. */
export type Lanes = {
  /** Bytes of one value. */
  readonly bytes: 4 | 16;
  readonly zero: Code;
  readonly load: (address: Code, offset: number) => Code;
  /** One f32 from memory in every lane. */
  readonly loadSplat: (address: Code, offset: number) => Code;
  readonly store: (address: Code, offset: number, value: Code) => Code;
  readonly add: (a: Code, b: Code) => Code;
  readonly multiply: (a: Code, b: Code) => Code;
  /** sum + a · b */
  readonly accumulate: (sum: Code, a: Code, b: Code) => Code;
};

export const SCALAR: Lanes = {
  bytes: 4,
  zero: [0x43, 0, 0, 0, 0],
  load: (address, offset) => [address, 0x2a, ALIGN_4, unsigned(offset)],
  loadSplat: (address, offset) => [address, 0x2a, ALIGN_4, unsigned(offset)],
  store: (address, offset, value) => [address, value, 0x38, ALIGN_4, unsigned(offset)],
  add: (a, b) => [a, b, 0x92],
  multiply: (a, b) => [a, b, 0x94],
  accumulate: (sum, a, b) => SCALAR.add(sum, SCALAR.multiply(a, b)),
};

export const SIMD: Lanes = {
  bytes: 16,
  zero: [0xfd, 0x0c, new Array<number>(16).fill(0)],
  load: (address, offset) => [address, 0xfd, 0x00, ALIGN_4, unsigned(offset)],
  loadSplat: (address, offset) => [address, 0xfd, 0x09, ALIGN_4, unsigned(offset)],
  store: (address, offset, value) => [address, value, 0xfd, 0x0b, ALIGN_4, unsigned(offset)],
  add: (a, b) => [a, b, 0xfd, 0xe4, 0x01],
  multiply: (a, b) => [a, b, 0xfd, 0xe6, 0x01],
  accumulate: (sum, a, b) => SIMD.add(sum, SIMD.multiply(a, b)),
};

/**
 * Relaxed SIMD: product and sum are one instruction, rounded once, where the processor has it. One machine always
 * gives the same bytes. https://github.com/WebAssembly/relaxed-simd
 */
export const RELAXED_SIMD: Lanes = {
  ...SIMD,
  accumulate: (sum, a, b) => [a, b, sum, 0xfd, 0x85, 0x02],
};

/** The sum of the four lanes of a local, always in the same order. */
export function sumOfLanes(local: number): Code {
  const lane = (index: number): Code => [get(local), 0xfd, 0x1f, index];
  const halves = [SCALAR.add(lane(0), lane(1)), SCALAR.add(lane(2), lane(3))] as const;
  return SCALAR.add(...halves);
}

/** A module of `functions`, all exported, that works in the imported memory `host.memory`, shared by threads or not. */
export function assemble(
  functions: readonly WasmFunction[],
  { shared }: { readonly shared: boolean },
): Uint8Array<ArrayBuffer> {
  const types = functions.map((f) => [0x60, vector(new Array(f.parameters).fill([I32])), 0]);
  const limits = shared ? [0x03, 0, unsigned(MOST_PAGES)] : [0x00, 0]; // any memory will do: at least 0 pages
  const memory = [text("host"), text("memory"), 0x02, limits];
  const exports = functions.map((f, index) => [text(f.name), 0x00, unsigned(index)]);
  const bodies = functions.map(({ locals, body }) => {
    const groups = [
      [unsigned(locals.i32), I32],
      [unsigned(locals.f32), F32],
      [unsigned(locals.v128), V128],
    ];
    return sized([vector(groups), body, 0x0b]);
  });
  return Uint8Array.from(
    flatten([
      [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // "\0asm", version 1
      [1, sized(vector(types))],
      [2, sized(vector([memory]))],
      [3, sized(vector(functions.map((_, index) => unsigned(index))))],
      [7, sized(vector(exports))],
      [10, sized(vector(bodies))],
    ]),
  );
}

const vector = (items: readonly Code[]): Code => [unsigned(items.length), items];
const sized = (code: Code): Code => [unsigned(flatten(code).length), code];
const text = (value: string): Code => vector([...value].map((c) => [c.charCodeAt(0)]));

/** LEB128 */
function unsigned(value: number): Code {
  const low = value & 0x7f;
  const rest = value >>> 7;
  return rest === 0 ? [low] : [low | 0x80, unsigned(rest)];
}

function signed(value: number): Code {
  const low = value & 0x7f;
  const rest = value >> 7;
  const last = (rest === 0 && low < 0x40) || (rest === -1 && low >= 0x40);
  return last ? [low] : [low | 0x80, signed(rest)];
}

function flatten(code: Code): number[] {
  const bytes: number[] = [];
  for (const part of code) {
    if (typeof part === "number") bytes.push(part);
    else for (const byte of flatten(part)) bytes.push(byte);
  }
  return bytes;
}
