import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { directMatmul } from "./direct.ts";
import { runInParts } from "./dispatch-limit.ts";
import type { Epilogue } from "./epilogues.ts";
import { isOnSoftware } from "./software.ts";
import { TILE, tiledMatmul } from "./tiled.ts";

/**
 * Record `output` [rows, columns] = a [rows, depth] · b, where b is stored [depth, columns] or, `transposed`,
 * [columns, depth]; a and b are the first of `inputs`, the epilogue's are the others. On a slow device in
 * several dispatches, so that none holds up the screen. Each value is summed by one of them alone.
 */
export function runMatmul(
  backend: WebGPUBackend,
  {
    output,
    inputs,
    transposed,
    epilogue,
    rows,
    columns,
    depth,
  }: {
    readonly output: TensorInfo;
    readonly inputs: readonly TensorInfo[];
    readonly transposed: boolean;
    readonly epilogue: Epilogue;
    readonly rows: number;
    readonly columns: number;
    readonly depth: number;
  },
): void {
  const program = isOnSoftware(backend) ? directMatmul : tiledMatmul;
  runInParts(backend, program(transposed, epilogue), {
    output,
    inputs,
    integers: [rows, columns, depth],
    groups: Math.ceil(rows / TILE) * Math.ceil(columns / TILE),
    groupCost: TILE * TILE * depth,
  });
}
