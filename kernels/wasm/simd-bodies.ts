import { columnSums } from "../column-sums.ts";
import { type HostBodies, plainBodies } from "../host-bodies.ts";
import { createSimdAttention } from "./simd-attention.ts";
import type { SimdExports } from "./simd-module.ts";

/** A `WebAssembly.Memory`: its buffer is another one after it has grown. */
export type WasmMemory = { readonly buffer: ArrayBuffer };

/** The heap that the kernels share with tfjs: growing it moves every array, so addresses are taken first. */
export type Heap = {
  readonly memory: WasmMemory;
  /** Addresses are multiples of 8. */
  allocate(bytes: number): number;
  free(address: number): void;
};

const LANES = 4;

/** Bodies whose heavy loops are `simd`; all arrays they are given lie in the heap's memory. */
export function createSimdBodies(simd: SimdExports, heap: Heap): HostBodies {
  return {
    ...plainBodies,
    ...createSimdAttention(simd, heap),

    linear(y, x, weight, bias, residual, { R, I, O, orientation, relu }) {
      const [four, one] =
        orientation === "out-in" ? [simd.dots4, simd.dots1] : [simd.product4, simd.product1];
      forRows(R, four, one, addressesOf(y, x, weight), O, I);
      if (bias !== null) addBias(y, bias);
      if (residual !== null) for (let p = 0; p < y.length; p++) y[p]! += residual[p]!;
      if (relu) for (let p = 0; p < y.length; p++) if (!(y[p]! > 0)) y[p] = 0;
    },

    linearInputGradient(dx, dy, weight, x, { R, I, O, orientation }) {
      const [four, one] =
        orientation === "out-in" ? [simd.product4, simd.product1] : [simd.dots4, simd.dots1];
      forRows(R, four, one, addressesOf(dx, dy, weight), I, O);
      if (x !== null) for (let p = 0; p < dx.length; p++) if (!(x[p]! > 0)) dx[p] = 0;
    },

    sampledLinear(gradient, x, dy, positions, { start, first, second, R, I, O, orientation }) {
      columnSums(gradient, dy, positions, { start, count: first, R, O });
      if (second === 0) return;
      const rows = Math.ceil(R / LANES) * LANES; // padded with zeros, which add nothing
      const [inners, outers] = orientation === "out-in" ? [x, dy] : [dy, x];
      const [width, height] = orientation === "out-in" ? [I, O] : [O, I];
      const addresses = { gradient: gradient.byteOffset, positions: positions.byteOffset };
      const sources = { inners: inners.byteOffset, outers: outers.byteOffset };
      const scratch = heap.allocate((width + height) * rows * 4);
      try {
        const outersT = scratch + width * rows * 4;
        transpose(heap.memory.buffer, sources.inners, scratch, { R, columns: width, rows });
        transpose(heap.memory.buffer, sources.outers, outersT, { R, columns: height, rows });
        const from = 4 * (start + first);
        const [to, at] = [addresses.gradient + from, addresses.positions + from];
        if (second === width * height)
          forRows(height, simd.dots4, simd.dots1, { to, a: outersT, b: scratch }, width, rows); // all of it
        else simd.sampled(to, at, second, scratch, outersT, width, rows);
      } finally {
        heap.free(scratch);
      }
    },

    squaredGradient(sums, x, dy, { R, I, O, orientation, rows, scale }) {
      const [inners, outers] = orientation === "out-in" ? [x, dy] : [dy, x];
      const [width, height] = orientation === "out-in" ? [I, O] : [O, I];
      // Where each row is an example, the squares of all are one product of squares.
      const [depth, square] = rows === 1 ? [R, true] : [rows, false];
      const places = {
        sums: sums.byteOffset,
        outers: outers.byteOffset,
        inners: inners.byteOffset,
      };
      const scratch = heap.allocate(4 * (height * depth + depth * width + height * width));
      try {
        const { buffer } = heap.memory; // the arrays that were given may have moved with it
        const to = scratch + 4 * (height + width) * depth;
        const a = new Float32Array(buffer, scratch, height * depth);
        const b = new Float32Array(buffer, scratch + 4 * height * depth, depth * width);
        const product = new Float32Array(buffer, to, height * width);
        const total = new Float32Array(buffer, places.sums, height * width);
        for (let first = 0; first < R; first += depth) {
          const fromOuters = new Float32Array(buffer, places.outers + 4 * first * height, a.length);
          const fromInners = new Float32Array(buffer, places.inners + 4 * first * width, b.length);
          for (let r = 0; r < depth; r++) {
            for (let at = 0; at < height; at++) a[at * depth + r] = fromOuters[r * height + at]!;
          }
          b.set(fromInners);
          if (square) for (let p = 0; p < a.length; p++) a[p]! *= a[p]!;
          if (square) for (let p = 0; p < b.length; p++) b[p]! *= b[p]!;
          forRows(height, simd.product4, simd.product1, addressesOf(product, a, b), width, depth);
          for (let p = 0; p < total.length; p++) {
            total[p]! += scale * (square ? product[p]! : product[p]! * product[p]!);
          }
        }
      } finally {
        heap.free(scratch);
      }
    },
  };
}

type Rows = SimdExports["dots4"];
type Addresses = { readonly to: number; readonly a: number; readonly b: number };

/** The result [R, columns] from a [R, depth] and b, four rows at a time. */
export function forRows(
  R: number,
  four: Rows,
  one: Rows,
  { to, a, b }: Addresses,
  columns: number,
  depth: number,
): void {
  let r = 0;
  for (; r + 4 <= R; r += 4) four(to + r * columns * 4, a + r * depth * 4, b, columns, depth);
  for (; r < R; r++) one(to + r * columns * 4, a + r * depth * 4, b, columns, depth);
}

function addressesOf(to: Float32Array, a: Float32Array, b: Float32Array): Addresses {
  return { to: to.byteOffset, a: a.byteOffset, b: b.byteOffset };
}

function addBias(y: Float32Array, bias: Float32Array): void {
  for (let at = 0; at < y.length; at += bias.length) {
    for (let o = 0; o < bias.length; o++) y[at + o]! += bias[o]!;
  }
}

/** [R, columns] at `from` → [columns, rows] at `to`, with zeros from R to `rows`. */
function transpose(
  buffer: ArrayBuffer,
  from: number,
  to: number,
  { R, columns, rows }: { R: number; columns: number; rows: number },
): void {
  const source = new Float32Array(buffer, from, R * columns);
  const result = new Float32Array(buffer, to, columns * rows);
  for (let r = 0; r < rows; r += LANES) {
    for (let c = 0; c < columns; c++) {
      for (let lane = r; lane < r + LANES; lane++) {
        result[c * rows + lane] = lane < R ? source[lane * columns + c]! : 0;
      }
    }
  }
}
