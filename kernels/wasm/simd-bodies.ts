import { columnSums } from "../column-sums.ts";
import { type HostBodies, plainBodies } from "../host-bodies.ts";
import { type Heap, withScratch } from "./heap.ts";
import { createSimdAttention } from "./simd-attention.ts";
import { createSimdLosses } from "./simd-losses.ts";
import type { SimdExports } from "./simd-module.ts";
import { forRows, padded, transpose, wholeVectors } from "./simd-products.ts";

/** Bodies whose heavy loops are `simd`; all arrays they are given lie in the heap's memory. */
export function createSimdBodies(simd: SimdExports, heap: Heap): HostBodies {
  const sampledLinear: HostBodies["sampledLinear"] = (gradient, x, dy, positions, sizes) => {
    const { start, first, second, R, I, O, orientation, adds } = sizes;
    columnSums(gradient, dy, positions, { start, count: first, R, O });
    if (second === 0) return;
    const rows = padded(R); // with zeros, which add nothing
    const [inners, outers] = orientation === "out-in" ? [x, dy] : [dy, x];
    const [width, height] = orientation === "out-in" ? [I, O] : [O, I];
    const entries = positions.byteOffset + 4 * (start + first);
    const lengths = [width * rows, height * rows, adds ? second : 0] as const;
    withScratch(heap, [gradient, inners, outers], lengths, (given, [innersT, outersT, made]) => {
      const [gradientOn, innersOn, outersOn] = given;
      transpose(simd, innersT, innersOn, { R, columns: width, rows });
      transpose(simd, outersT, outersOn, { R, columns: height, rows });
      const to = gradientOn.subarray(start + first);
      if (second === width * height) {
        if (!adds) to.fill(0, 0, second);
        forRows(height, simd.dots4, simd.dots1, [to, outersT, innersT], width, rows); // all of it
      } else {
        const sources = [innersT.byteOffset, outersT.byteOffset] as const;
        const { byteOffset } = adds ? made : to;
        simd.sampled(byteOffset, entries, second, ...sources, width, rows);
        if (adds) for (let j = 0; j < second; j++) to[j]! += made[j]!;
      }
    });
  };

  return {
    ...plainBodies,
    ...createSimdAttention(simd, heap),
    ...createSimdLosses(simd, heap),

    linear(y, x, weight, bias, residual, { R, I, O, orientation, relu }) {
      const [four, one] =
        orientation === "out-in" ? [simd.dots4, simd.dots1] : [simd.product4, simd.product1];
      begin(y, bias, residual);
      forRows(R, four, one, [y, x, weight], O, I);
      if (relu) for (let p = 0; p < y.length; p++) if (!(y[p]! > 0)) y[p] = 0;
    },

    linearInputGradient(dx, dy, weight, x, past, { R, I, O, orientation }) {
      const [four, one] =
        orientation === "out-in" ? [simd.product4, simd.product1] : [simd.dots4, simd.dots1];
      begin(dx, null, x === null ? past : null);
      forRows(R, four, one, [dx, dy, weight], I, O);
      if (x === null) return;
      for (let p = 0; p < dx.length; p++) {
        const passed = x[p]! > 0 ? dx[p]! : 0;
        dx[p] = past === null ? passed : passed + past[p]!;
      }
    },

    sampledLinear,

    squaredGradient(sums, x, dy, { R, I, O, orientation, rows, scale }) {
      const [inners, outers] = orientation === "out-in" ? [x, dy] : [dy, x];
      const [width, height] = orientation === "out-in" ? [I, O] : [O, I];
      // Where each row is an example, the squares of all are one product of squares.
      const isRow = rows === 1;
      const depth = isRow ? R : rows;
      const lengths = [height * depth, depth * width, height * width] as const;
      withScratch(heap, [sums, inners, outers], lengths, (given, [a, b, product]) => {
        const [sumsOn, innersOn, outersOn] = given;
        for (let first = 0; first < R; first += depth) {
          const own = outersOn.subarray(first * height, (first + depth) * height);
          transpose(simd, a, own, { R: depth, columns: height, rows: depth });
          b.set(innersOn.subarray(first * width, (first + depth) * width));
          if (isRow) for (let p = 0; p < a.length; p++) a[p] = scale * a[p]! ** 2;
          if (isRow) for (let p = 0; p < b.length; p++) b[p]! *= b[p]!;
          const to = isRow ? sumsOn : product.fill(0);
          forRows(height, simd.product4, simd.product1, [to, a, b], width, depth);
          if (!isRow) for (let p = 0; p < to.length; p++) sumsOn[p]! += scale * to[p]! * to[p]!;
        }
      });
    },

    gelu(y, x, kind) {
      const whole = wholeVectors(x.length);
      const run = kind.form === "exact" ? simd.geluExact : simd.gelu;
      run(y.byteOffset, x.byteOffset, 4 * whole);
      plainBodies.gelu(y.subarray(whole), x.subarray(whole), kind);
    },

    geluInputGradient(dx, dy, x, kind) {
      const whole = wholeVectors(x.length);
      const run = kind.form === "exact" ? simd.geluExactGradient : simd.geluGradient;
      run(dx.byteOffset, dy.byteOffset, x.byteOffset, 4 * whole);
      plainBodies.geluInputGradient(
        dx.subarray(whole),
        dy.subarray(whole),
        x.subarray(whole),
        kind,
      );
    },

    swiglu(y, gate, up) {
      const whole = wholeVectors(gate.length);
      simd.swiglu(y.byteOffset, gate.byteOffset, up.byteOffset, 4 * whole);
      plainBodies.swiglu(y.subarray(whole), gate.subarray(whole), up.subarray(whole));
    },

    swigluGradient(dgate, dup, dy, gate, up) {
      const whole = wholeVectors(gate.length);
      const inputs = [dy.byteOffset, gate.byteOffset, up.byteOffset] as const;
      simd.swigluGradient(dgate.byteOffset, dup.byteOffset, ...inputs, 4 * whole);
      plainBodies.swigluGradient(
        dgate.subarray(whole),
        dup.subarray(whole),
        dy.subarray(whole),
        gate.subarray(whole),
        up.subarray(whole),
      );
    },
  };
}

/** What a linear operation's products are added to: bias and residual, or 0. */
function begin(y: Float32Array, bias: Float32Array | null, residual: Float32Array | null): void {
  if (bias === null) {
    if (residual === null) y.fill(0);
    else y.set(residual);
    return;
  }
  for (let row = 0; row < y.length; row += bias.length) {
    if (residual === null) y.set(bias, row);
    else for (let o = 0; o < bias.length; o++) y[row + o] = residual[row + o]! + bias[o]!;
  }
}
