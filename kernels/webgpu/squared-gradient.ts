import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { DIRECT_SQUARED_GRADIENT } from "./direct.ts";
import { runInParts } from "./dispatch-limit.ts";
import type { Program } from "./program.ts";
import { isOnSoftware } from "./software.ts";
import { DEPTH, each, FOUR, LOADS, TILE, TILE_THREADS } from "./tiled.ts";

/**
 * Record: sums [height, width] += scale · Σ over the examples of (outersᵀ · inners)², each example `rows` of all
 * R rows of outers [R, height] and inners [R, width]. In several dispatches on a slow device.
 */
export function runSquaredGradient(
  backend: WebGPUBackend,
  {
    sums,
    outers,
    inners,
    rows,
    scale,
  }: {
    readonly sums: TensorInfo;
    readonly outers: TensorInfo;
    readonly inners: TensorInfo;
    readonly rows: number;
    readonly scale: number;
  },
): void {
  const [allRows = 0, height = 0] = outers.shape;
  const [, width = 0] = inners.shape;
  runInParts(backend, isOnSoftware(backend) ? DIRECT_SQUARED_GRADIENT : SQUARED_GRADIENT, {
    output: sums,
    inputs: [outers, inners],
    integers: [height, width, allRows, rows],
    floats: [scale],
    groups: Math.ceil(height / TILE) * Math.ceil(width / TILE),
    groupCost: TILE * TILE * allRows,
  });
}

/**
 * One group a tile of `result`, as in a product. Where an example ends, its sum is squared, added and begun anew,
 * so a gradient of its own is never stored; the order of all sums is fixed.
 */
const SQUARED_GRADIENT: Program = {
  name: "commonweight_squared_gradient",
  inputs: ["outers", "inners"],
  integers: ["height", "width", "allRows", "rows", "firstGroup"],
  floats: ["scale"],
  workgroupSize: TILE_THREADS,
  code: `
    var<workgroup> tileA : array<f32, ${TILE * DEPTH}>; // [DEPTH rows, TILE of the height]
    var<workgroup> tileB : array<f32, ${TILE * DEPTH}>; // [DEPTH rows, TILE of the width]

    fn main(index : i32) {
      let thread = i32(localIndex);
      let tilesAcross = (uniforms.width + ${TILE - 1}) / ${TILE};
      let tile = uniforms.firstGroup + index / ${TILE_THREADS};
      let outer0 = (tile / tilesAcross) * ${TILE};
      let inner0 = (tile % tilesAcross) * ${TILE};
      let threadOuter = (thread / ${TILE / 4}) * 4;
      let threadInner = (thread % ${TILE / 4}) * 4;
      var rowsLeft = uniforms.rows; // of the example
      ${each(FOUR, (m) => `var sum${m} = vec4<f32>(); var squares${m} = vec4<f32>();`)}
      for (var row0 = 0; row0 < uniforms.allRows; row0 += ${DEPTH}) {
        for (var load = 0; load < ${LOADS}; load++) {
          let l = thread + load * ${TILE_THREADS};
          let row = row0 + l / ${TILE};
          let outer = outer0 + l % ${TILE};
          let inner = inner0 + l % ${TILE};
          var a = 0.0;
          var b = 0.0;
          if (row < uniforms.allRows && outer < uniforms.height) { a = outers[row * uniforms.height + outer]; }
          if (row < uniforms.allRows && inner < uniforms.width) { b = inners[row * uniforms.width + inner]; }
          tileA[l] = a;
          tileB[l] = b;
        }
        workgroupBarrier();
        for (var k = 0; k < ${DEPTH}; k++) {
          let atA = k * ${TILE} + threadOuter;
          let atB = k * ${TILE} + threadInner;
          let four = vec4<f32>(tileB[atB], tileB[atB + 1], tileB[atB + 2], tileB[atB + 3]);
          ${each(FOUR, (m) => `sum${m} += tileA[atA + ${m}] * four;`)}
          rowsLeft--;
          if (rowsLeft == 0) {
            ${each(FOUR, (m) => `squares${m} += sum${m} * sum${m}; sum${m} = vec4<f32>();`)}
            rowsLeft = uniforms.rows;
          }
        }
        workgroupBarrier();
      }
      var squares = array<vec4<f32>, 4>(${FOUR.map((m) => `squares${m}`)});
      for (var value = 0; value < 16; value++) {
        let outer = outer0 + threadOuter + value / 4;
        let inner = inner0 + threadInner + value % 4;
        if (outer < uniforms.height && inner < uniforms.width) {
          result[outer * uniforms.width + inner] += uniforms.scale * squares[value / 4][value % 4];
        }
      }
    }`,
};
