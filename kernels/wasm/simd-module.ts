import {
  add,
  assemble,
  type Code,
  constant,
  divide,
  get,
  increase,
  type Lanes,
  loadInteger,
  multiply,
  remainder,
  SCALAR,
  SIMD,
  set,
  subtract,
  sumOfLanes,
  type WasmFunction,
  whileAtMost,
} from "./assembler.ts";

/** Addresses and lengths; strides are in bytes. */
export type SimdExports = {
  /**
   * y [rows, columns] = a [rows, depth] · bᵀ, b stored [columns, depth], for 4 rows or for 1:
   * dot products along the memory.
   */
  dots4(y: number, a: number, b: number, columns: number, depth: number): void;
  dots1(y: number, a: number, b: number, columns: number, depth: number): void;
  /** y [rows, columns] = a [rows, depth] · b [depth, columns], for 4 rows or for 1. */
  product4(y: number, a: number, b: number, columns: number, depth: number): void;
  product1(y: number, a: number, b: number, columns: number, depth: number): void;
  /**
   * For `count` int32 positions = outer · width + inner: out[j] = inners[inner] · outers[outer], rows of
   * `depth` f32 each, which must be a multiple of 4.
   */
  sampled(
    out: number,
    positions: number,
    count: number,
    inners: number,
    outers: number,
    width: number,
    depth: number,
  ): void;
};

/** The heavy loops of the CPU in 128-bit SIMD. Sums run in a fixed order. */
export function assembleSimdModule(): Uint8Array<ArrayBuffer> {
  return assemble([
    dotsFunction("dots4", 4),
    dotsFunction("dots1", 1),
    productFunction("product4", 4),
    productFunction("product1", 1),
    SAMPLED,
  ]);
}

// Parameters that the four products share
const Y = 0;
const A = 1;
const B = 2;
const COLUMNS = 3;
const DEPTH = 4;
// and the locals behind them
const COLUMN = 5;
const AT = 6; // bytes along the depth
const DEPTH_BYTES = 7;
const ROW_A = 8; // 4 addresses in a
const POINTER_B = 12; // 2 addresses in b
const STRIDE = 14; // bytes of a row of the result
const INTEGERS = STRIDE + 1 - 5;
const FIRST_FLOAT = 5 + INTEGERS;

const FOUR = constant(4);

/** Rows × 2 columns at a time: 8 sums stay in the 16 registers that x64 has. */
function dotsFunction(name: string, rows: number): WasmFunction {
  const floats = rows * 2;
  const sums = FIRST_FLOAT + floats; // v128 behind the floats
  const values = sums + floats; // rows of a
  const body: Code = [
    prologue(rows),
    set(COLUMN, constant(0)),
    whileAtMost(COLUMN, subtract(get(COLUMNS), constant(2)), dotsBlock(rows, 2, sums, values)),
    whileAtMost(COLUMN, subtract(get(COLUMNS), constant(1)), dotsBlock(rows, 1, sums, values)),
  ];
  const locals = { i32: INTEGERS, f32: floats, v128: floats + rows + 1 };
  return { name, parameters: 5, locals, body };
}

function dotsBlock(rows: number, columns: number, sums: number, values: number): Code {
  const pairs = range(rows).flatMap((r) =>
    range(columns).map((c) => ({ r, c, i: r * columns + c })),
  );
  const valueB = values + rows;
  const sumVectors = (offset: number): Code => [
    range(rows).map((r) => set(values + r, SIMD.load(add(get(ROW_A + r), get(AT)), offset))),
    range(columns).map((c) => [
      set(valueB, SIMD.load(add(get(POINTER_B + c), get(AT)), offset)),
      range(rows).map((r) => {
        const sum = sums + r * columns + c;
        return set(sum, SIMD.add(get(sum), SIMD.multiply(get(values + r), get(valueB))));
      }),
    ]),
  ];
  return [
    range(columns).map((c) =>
      set(POINTER_B + c, add(get(B), multiply(add(get(COLUMN), constant(c)), get(DEPTH_BYTES)))),
    ),
    pairs.map(({ i }) => set(sums + i, SIMD.zero)),
    set(AT, constant(0)),
    whileAtMost(AT, subtract(get(DEPTH_BYTES), constant(32)), [
      sumVectors(0),
      sumVectors(16),
      increase(AT, constant(32)),
    ]),
    pairs.map(({ i }) => set(FIRST_FLOAT + i, sumOfLanes(sums + i))),
    whileAtMost(AT, subtract(get(DEPTH_BYTES), FOUR), [
      pairs.map(({ r, c, i }) => {
        const a = SCALAR.load(add(get(ROW_A + r), get(AT)), 0);
        const b = SCALAR.load(add(get(POINTER_B + c), get(AT)), 0);
        return set(FIRST_FLOAT + i, SCALAR.add(get(FIRST_FLOAT + i), SCALAR.multiply(a, b)));
      }),
      increase(AT, FOUR),
    ]),
    pairs.map(({ r, c, i }) => SCALAR.store(addressY(r), 4 * c, get(FIRST_FLOAT + i))),
    increase(COLUMN, constant(columns)),
  ];
}

/** Rows × 8 columns at a time, then 4, then 1. */
function productFunction(name: string, rows: number): WasmFunction {
  const floats = rows + 1;
  const vectors = FIRST_FLOAT + floats;
  const block = (lanes: Lanes, count: number): Code => {
    const columns = (count * lanes.bytes) / 4;
    const locals = lanes === SIMD ? vectors : FIRST_FLOAT;
    const last = subtract(get(COLUMNS), constant(columns));
    return whileAtMost(COLUMN, last, productBlock(rows, lanes, count, locals));
  };
  const body: Code = [
    prologue(rows),
    set(COLUMN, constant(0)),
    block(SIMD, 2),
    block(SIMD, 1),
    block(SCALAR, 1),
  ];
  const locals = { i32: INTEGERS, f32: floats, v128: rows * 2 + 2 };
  return { name, parameters: 5, locals, body };
}

/** `locals`: the sums [rows, count], then the `count` values of b. */
function productBlock(rows: number, lanes: Lanes, count: number, locals: number): Code {
  const sum = (r: number, c: number) => locals + r * count + c;
  const valueB = (c: number) => locals + rows * count + c;
  const every = range(rows).flatMap((r) => range(count).map((c) => ({ r, c })));
  return [
    set(POINTER_B, add(get(B), multiply(get(COLUMN), FOUR))),
    every.map(({ r, c }) => set(sum(r, c), lanes.zero)),
    set(AT, constant(0)),
    whileAtMost(AT, subtract(get(DEPTH_BYTES), FOUR), [
      range(count).map((c) => set(valueB(c), lanes.load(get(POINTER_B), c * lanes.bytes))),
      every.map(({ r, c }) => {
        const a = lanes.loadSplat(add(get(ROW_A + r), get(AT)));
        return set(sum(r, c), lanes.add(get(sum(r, c)), lanes.multiply(a, get(valueB(c)))));
      }),
      increase(POINTER_B, get(STRIDE)),
      increase(AT, FOUR),
    ]),
    every.map(({ r, c }) => lanes.store(addressY(r), c * lanes.bytes, get(sum(r, c)))),
    increase(COLUMN, constant((count * lanes.bytes) / 4)),
  ];
}

function prologue(rows: number): Code {
  return [
    set(DEPTH_BYTES, multiply(get(DEPTH), FOUR)),
    set(STRIDE, multiply(get(COLUMNS), FOUR)),
    range(rows).map((r) => set(ROW_A + r, add(get(A), multiply(get(DEPTH_BYTES), constant(r))))),
  ];
}

/** Address of the result at row `r` and the current column. */
function addressY(r: number): Code {
  const row = add(get(Y), multiply(get(STRIDE), constant(r)));
  return add(row, multiply(get(COLUMN), FOUR));
}

const SAMPLED = sampledFunction();

function sampledFunction(): WasmFunction {
  const [out, positions, count, inners, outers, width, depth] = [0, 1, 2, 3, 4, 5, 6];
  const [entry, position, at, inner, outer, bytes] = [7, 8, 9, 10, 11, 12];
  const sum = 13;
  const factors = [inner, outer].map((row) => SIMD.load(add(get(row), get(at)), 0));
  const body: Code = [
    set(bytes, multiply(get(depth), FOUR)),
    set(entry, constant(0)),
    whileAtMost(entry, subtract(get(count), constant(1)), [
      set(position, loadInteger(add(get(positions), multiply(get(entry), FOUR)))),
      set(inner, add(get(inners), multiply(remainder(get(position), get(width)), get(bytes)))),
      set(outer, add(get(outers), multiply(divide(get(position), get(width)), get(bytes)))),
      set(sum, SIMD.zero),
      set(at, constant(0)),
      whileAtMost(at, subtract(get(bytes), constant(16)), [
        set(sum, SIMD.add(get(sum), SIMD.multiply(factors[0]!, factors[1]!))),
        increase(at, constant(16)),
      ]),
      SCALAR.store(add(get(out), multiply(get(entry), FOUR)), 0, sumOfLanes(sum)),
      increase(entry, constant(1)),
    ]),
  ];
  return { name: "sampled", parameters: 7, locals: { i32: 6, f32: 0, v128: 1 }, body };
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}
