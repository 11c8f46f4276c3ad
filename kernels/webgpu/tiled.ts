import type { Epilogue } from "./epilogues.ts";
import type { Program } from "./program.ts";

export const TILE = 32; // 64 threads of 4 × 4 values each; small enough that a batch of 64 fills several cores
export const DEPTH = 16; // two tiles of 16 × 32 f32 are 4 KB of workgroup memory; the least any device has is 16 KB
export const TILE_THREADS = (TILE * TILE) / 16;
export const LOADS = (TILE * DEPTH) / TILE_THREADS;

export const FOUR = [0, 1, 2, 3]; // rows and columns of a thread

/**
 * result [rows, columns] = a [rows, depth] · b, where b is stored [depth, columns] or, `transposed`,
 * [columns, depth]. Each group sums one tile in a fixed order, so the result never depends on timing
 * (tfjs's own product adds with atomics where the depth is large).
 */
export function tiledMatmul(transposed: boolean, epilogue: Epilogue): Program {
  const loadB = transposed
    ? `let k = l % ${DEPTH}; let n = l / ${DEPTH};
       let at = (column0 + n) * uniforms.depth + k0 + k;`
    : `let k = l / ${TILE}; let n = l % ${TILE};
       let at = (k0 + k) * uniforms.columns + column0 + n;`;
  return {
    name: `commonweight_matmul_${transposed}_${epilogue.name}`,
    inputs: ["a", "b", ...epilogue.inputs],
    integers: ["rows", "columns", "depth", "firstGroup"],
    workgroupSize: TILE_THREADS,
    code: `
      var<workgroup> tileA : array<f32, ${TILE * DEPTH}>; // [DEPTH, TILE rows]
      var<workgroup> tileB : array<f32, ${TILE * DEPTH}>; // [DEPTH, TILE columns]

      fn main(index : i32) {
        let thread = i32(localIndex);
        let tilesAcross = (uniforms.columns + ${TILE - 1}) / ${TILE};
        let tile = uniforms.firstGroup + index / ${TILE_THREADS};
        let row0 = (tile / tilesAcross) * ${TILE};
        let column0 = (tile % tilesAcross) * ${TILE};
        let threadRow = (thread / ${TILE / 4}) * 4;
        let threadColumn = (thread % ${TILE / 4}) * 4;
        ${each(FOUR, (m) => `var sum${m} = vec4<f32>();`)}
        for (var k0 = 0; k0 < uniforms.depth; k0 += ${DEPTH}) {
          for (var load = 0; load < ${LOADS}; load++) {
            let l = thread + load * ${TILE_THREADS};
            {
              let k = l % ${DEPTH}; let m = l / ${DEPTH};
              var value = 0.0;
              if (row0 + m < uniforms.rows && k0 + k < uniforms.depth) {
                value = a[(row0 + m) * uniforms.depth + k0 + k];
              }
              tileA[k * ${TILE} + m] = value;
            }
            {
              ${loadB}
              var value = 0.0;
              if (column0 + n < uniforms.columns && k0 + k < uniforms.depth) { value = b[at]; }
              tileB[k * ${TILE} + n] = value;
            }
          }
          workgroupBarrier();
          for (var k = 0; k < ${DEPTH}; k++) {
            let atA = k * ${TILE} + threadRow;
            let atB = k * ${TILE} + threadColumn;
            let four = vec4<f32>(tileB[atB], tileB[atB + 1], tileB[atB + 2], tileB[atB + 3]);
            ${each(FOUR, (m) => `sum${m} += tileA[atA + ${m}] * four;`)}
          }
          workgroupBarrier();
        }
        var sums = array<vec4<f32>, 4>(${FOUR.map((m) => `sum${m}`)});
        for (var value = 0; value < 16; value++) {
          let row = row0 + threadRow + value / 4;
          let column = column0 + threadColumn + value % 4;
          if (row < uniforms.rows && column < uniforms.columns) {
            var sum = sums[value / 4][value % 4];
            ${epilogue.code}
            result[row * uniforms.columns + column] = sum;
          }
        }
      }`,
  };
}

/** Written out, because sums with a running index would leave the registers in the inner loop. */
export function each(items: readonly number[], line: (item: number) => string): string {
  return items.map(line).join("\n");
}
