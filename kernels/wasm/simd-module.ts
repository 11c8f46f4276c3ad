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
  RELAXED_SIMD,
  remainder,
  SCALAR,
  SIMD,
  set,
  subtract,
  sumOfLanes,
  type WasmFunction,
  whileAtMost,
} from "./assembler.ts";
import { type RowExports, rowFunctions } from "./simd-rows.ts";

/** Addresses, and lengths and strides in values unless they say bytes. */
export type SimdExports = RowExports & {
  /** y += a [rows, depth] · bᵀ, b [columns, depth], for 4 rows or for 1: dot products along the memory. */
  dots4: Product;
  dots1: Product;
  /** y += a [rows, depth] · b [depth, columns], for 4 rows or for 1. */
  product4: Product;
  product1: Product;
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

/** The rows of y and a lie `strideY` and `strideA` apart, those of b side by side. */
export type Product = (
  y: number,
  a: number,
  b: number,
  columns: number,
  depth: number,
  strideY: number,
  strideA: number,
) => void;

/** The heavy loops of the CPU in 128-bit SIMD, where the engine has it relaxed. Sums run in a fixed order. */
export function assembleSimdModule({
  relaxed,
  shared,
}: {
  readonly relaxed: boolean;
  /** Whether threads share the memory. */
  readonly shared: boolean;
}): Uint8Array<ArrayBuffer> {
  const vector = relaxed ? RELAXED_SIMD : SIMD;
  const functions = [
    dotsFunction("dots4", 4, vector),
    dotsFunction("dots1", 1, vector),
    productFunction("product4", 4, vector),
    productFunction("product1", 1, vector),
    sampledFunction(vector),
    ...rowFunctions(),
  ];
  return assemble(functions, { shared });
}

// Parameters that the four products share
const Y = 0;
const A = 1;
const B = 2;
const COLUMNS = 3;
const DEPTH = 4;
const STRIDE_Y = 5;
const STRIDE_A = 6;
const PARAMETERS = 7;
// and the locals behind them, in bytes where they measure
const COLUMN = 7;
const AT = 8; // along the depth
const DEPTH_BYTES = 9;
const COLUMNS_BYTES = 10;
const ROW_A = 11; // 4 addresses in a
const POINTER_B = 15; // 2 addresses in b
const FIRST_FLOAT = 17;
const INTEGERS = FIRST_FLOAT - PARAMETERS;

const FOUR = constant(4);

/** Rows × 2 columns at a time: 8 sums stay in the 16 registers that x64 has. */
function dotsFunction(name: string, rows: number, vector: Lanes): WasmFunction {
  const floats = rows * 2;
  const sums = FIRST_FLOAT + floats; // v128 behind the floats
  const values = sums + floats; // rows of a
  const body: Code = [
    prologue(rows),
    set(COLUMN, constant(0)),
    whileAtMost(
      COLUMN,
      subtract(get(COLUMNS), constant(2)),
      dotsBlock(vector, rows, 2, sums, values),
    ),
    whileAtMost(
      COLUMN,
      subtract(get(COLUMNS), constant(1)),
      dotsBlock(vector, rows, 1, sums, values),
    ),
  ];
  const locals = { i32: INTEGERS, f32: floats, v128: floats + rows + 1 };
  return { name, parameters: PARAMETERS, locals, body };
}

function dotsBlock(
  vector: Lanes,
  rows: number,
  columns: number,
  sums: number,
  values: number,
): Code {
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
        return set(sum, vector.accumulate(get(sum), get(values + r), get(valueB)));
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
        return set(FIRST_FLOAT + i, SCALAR.accumulate(get(FIRST_FLOAT + i), a, b));
      }),
      increase(AT, FOUR),
    ]),
    pairs.map(({ r, c, i }) => {
      const sum = SCALAR.add(SCALAR.load(addressY(r), 4 * c), get(FIRST_FLOAT + i));
      return SCALAR.store(addressY(r), 4 * c, sum);
    }),
    increase(COLUMN, constant(columns)),
  ];
}

/** Rows × 8 columns at a time, then 4, then 1. */
function productFunction(name: string, rows: number, vector: Lanes): WasmFunction {
  const floats = rows + 1;
  const vectors = FIRST_FLOAT + floats;
  const block = (lanes: Lanes, count: number): Code => {
    const columns = (count * lanes.bytes) / 4;
    const locals = lanes === SCALAR ? FIRST_FLOAT : vectors;
    const last = subtract(get(COLUMNS), constant(columns));
    return whileAtMost(COLUMN, last, productBlock(rows, lanes, count, locals));
  };
  const body: Code = [
    prologue(rows),
    set(COLUMN, constant(0)),
    block(vector, 2),
    block(vector, 1),
    block(SCALAR, 1),
  ];
  const locals = { i32: INTEGERS, f32: floats, v128: rows * 2 + 2 };
  return { name, parameters: PARAMETERS, locals, body };
}

/** `locals`: the sums [rows, count], then the `count` values of b. */
function productBlock(rows: number, lanes: Lanes, count: number, locals: number): Code {
  const sum = (r: number, c: number) => locals + r * count + c;
  const valueB = (c: number) => locals + rows * count + c;
  const every = range(rows).flatMap((r) => range(count).map((c) => ({ r, c })));
  const step = (offset: number): Code => [
    range(count).map((c) => set(valueB(c), lanes.load(get(POINTER_B), c * lanes.bytes))),
    every.map(({ r, c }) => {
      const a = lanes.loadSplat(add(get(ROW_A + r), get(AT)), offset);
      return set(sum(r, c), lanes.accumulate(get(sum(r, c)), a, get(valueB(c))));
    }),
    increase(POINTER_B, get(COLUMNS_BYTES)),
  ];
  return [
    set(POINTER_B, add(get(B), multiply(get(COLUMN), FOUR))),
    every.map(({ r, c }) => set(sum(r, c), lanes.load(addressY(r), c * lanes.bytes))),
    set(AT, constant(0)),
    whileAtMost(AT, subtract(get(DEPTH_BYTES), constant(16)), [
      range(4).map((k) => step(4 * k)),
      increase(AT, constant(16)),
    ]),
    whileAtMost(AT, subtract(get(DEPTH_BYTES), FOUR), [step(0), increase(AT, FOUR)]),
    every.map(({ r, c }) => lanes.store(addressY(r), c * lanes.bytes, get(sum(r, c)))),
    increase(COLUMN, constant((count * lanes.bytes) / 4)),
  ];
}

function prologue(rows: number): Code {
  return [
    set(DEPTH_BYTES, multiply(get(DEPTH), FOUR)),
    set(COLUMNS_BYTES, multiply(get(COLUMNS), FOUR)),
    range(rows).map((r) => set(ROW_A + r, add(get(A), multiply(get(STRIDE_A), constant(4 * r))))),
  ];
}

/** Address of the result at row `r` and the current column. */
function addressY(r: number): Code {
  const row = add(get(Y), multiply(get(STRIDE_Y), constant(4 * r)));
  return add(row, multiply(get(COLUMN), FOUR));
}

function sampledFunction(vector: Lanes): WasmFunction {
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
        set(sum, vector.accumulate(get(sum), factors[0]!, factors[1]!)),
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
