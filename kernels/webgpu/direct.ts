import type { Epilogue } from "./epilogues.ts";
import type { Program } from "./program.ts";
import { each, TILE } from "./tiled.ts";

/*
 * Products for an adapter in software. A group has the same tile as on a GPU but few threads: each keeps 8 × 8 sums
 * and reads what it multiplies straight from storage, without workgroup memory and barriers. A row m of its sums is
 * in sum{2m} and sum{2m + 1}. What lies past the last row or column is read clamped and never written.
 */

const SIDE = 8; // 4 × 4 sums read twice as often and take half as long again
const LINES = [0, 1, 2, 3, 4, 5, 6, 7]; // rows and columns of a thread
const HALVES = Array.from({ length: 2 * SIDE }, (_, half) => half); // of its rows
const ACROSS = TILE / SIDE;
const THREADS = ACROSS * ACROSS;
const STEPS = [0, 1, 2, 3]; // of the depth, written out: a tenth faster than one by one

/** Each sum of the block += left(row) · right(column), both WGSL. */
const addProducts = (left: (row: number) => string, right: (column: number) => string) => `{
          let near = vec4<f32>(${LINES.slice(0, 4).map(right)});
          let far = vec4<f32>(${LINES.slice(4).map(right)});
          ${each(LINES, (m) => `{ let one = ${left(m)}; sum${2 * m} += one * near; sum${2 * m + 1} += one * far; }`)}
        }`;

/** A program whose threads each fill a block of a result [height, width]. */
const blockProgram = (height: string, width: string, sum: string, store: string) => `
      fn main(index : i32) {
        let tilesAcross = (${width} + ${TILE - 1}) / ${TILE};
        let tile = uniforms.firstGroup + index / ${THREADS};
        let top = (tile / tilesAcross) * ${TILE} + (index % ${THREADS}) / ${ACROSS} * ${SIDE};
        let left = (tile % tilesAcross) * ${TILE} + index % ${ACROSS} * ${SIDE};
        if (top >= ${height} || left >= ${width}) { return; }
        ${each(LINES, (m) => `let row${m} = min(top + ${m}, ${height} - 1);`)}
        ${each(LINES, (n) => `let column${n} = min(left + ${n}, ${width} - 1);`)}
        ${each(HALVES, (half) => `var sum${half} = vec4<f32>();`)}
        ${sum}
        for (var value = 0; value < ${SIDE * SIDE}; value++) {
          let row = top + value / ${SIDE};
          let column = left + value % ${SIDE};
          if (row < ${height} && column < ${width}) {
            var sum = sums[value / 4][value % 4];
            ${store}
          }
        }
      }`;

/** As `tiledMatmul`: each value's products are added in the order of the depth. */
export function directMatmul(transposed: boolean, epilogue: Epilogue): Program {
  const step = (k: string) =>
    addProducts(
      (m) => `a[row${m} * uniforms.depth + ${k}]`,
      (n) =>
        transposed
          ? `b[column${n} * uniforms.depth + ${k}]`
          : `b[(${k}) * uniforms.columns + column${n}]`,
    );
  const sum = `
        var k = 0;
        for (; k + ${STEPS.length} <= uniforms.depth; k += ${STEPS.length}) {
          ${each(STEPS, (ahead) => step(`k + ${ahead}`))}
        }
        for (; k < uniforms.depth; k++) ${step("k")}
        var sums = array<vec4<f32>, ${HALVES.length}>(${HALVES.map((half) => `sum${half}`)});`;
  const store = `${epilogue.code}
            result[row * uniforms.columns + column] = sum;`;
  return {
    name: `commonweight_direct_matmul_${transposed}_${epilogue.name}`,
    inputs: ["a", "b", ...epilogue.inputs],
    integers: ["rows", "columns", "depth", "firstGroup"],
    workgroupSize: THREADS,
    code: blockProgram("uniforms.rows", "uniforms.columns", sum, store),
  };
}

/** As SQUARED_GRADIENT: the sums of an example are squared, added and begun anew. */
export const DIRECT_SQUARED_GRADIENT: Program = {
  name: "commonweight_direct_squared_gradient",
  inputs: ["outers", "inners"],
  integers: ["height", "width", "allRows", "rows", "firstGroup"],
  floats: ["scale"],
  workgroupSize: THREADS,
  code: blockProgram(
    "uniforms.height",
    "uniforms.width",
    `
        ${each(HALVES, (half) => `var squares${half} = vec4<f32>();`)}
        for (var first = 0; first < uniforms.allRows; first += uniforms.rows) {
          ${each(HALVES, (half) => `sum${half} = vec4<f32>();`)}
          for (var k = first; k < first + uniforms.rows; k++) ${addProducts(
            (m) => `outers[k * uniforms.height + row${m}]`,
            (n) => `inners[k * uniforms.width + column${n}]`,
          )}
          ${each(HALVES, (half) => `squares${half} += sum${half} * sum${half};`)}
        }
        var sums = array<vec4<f32>, ${HALVES.length}>(${HALVES.map((half) => `squares${half}`)});`,
    "result[row * uniforms.width + column] += uniforms.scale * sum;",
  ),
};
