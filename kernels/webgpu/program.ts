import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { type TensorInfo, util } from "@tensorflow/tfjs-core";

/** A compute program: WGSL with one thread, or one group of threads, for each piece of the output. */
export type Program = {
  /** Names the pipeline in tfjs's cache: one name, one code. */
  readonly name: string;
  /** WGSL names of the inputs; the output is `result`. */
  readonly inputs: readonly string[];
  /** Names of the int32 and float32 uniforms, read as `uniforms.NAME`. */
  readonly integers?: readonly string[];
  readonly floats?: readonly string[];
  readonly workgroupSize: number;
  /** WGSL with `fn main(index : i32)`; `index` counts threads through all groups. */
  readonly code: string;
};

export type ProgramCall = {
  readonly output: TensorInfo;
  readonly inputs: readonly TensorInfo[];
  readonly integers?: readonly number[];
  readonly floats?: readonly number[];
  readonly groups: number;
};

/**
 * Record `program` with `groups` workgroups. Every tensor is bound flat; `output` is written in place
 * and may be one that the caller already holds.
 */
export function runProgram(
  backend: WebGPUBackend,
  program: Program,
  { output, inputs, integers = [], floats = [], groups }: ProgramCall,
): void {
  const result = flat(output);
  const declarations = [
    ...(program.integers ?? []).map((name) => `${name} : i32, `),
    ...(program.floats ?? []).map((name) => `${name} : f32, `),
  ];
  backend.runWebGPUProgram(
    {
      variableNames: [...program.inputs],
      outputShape: result.shape,
      dispatchLayout: { x: [0] },
      dispatch: [groups, 1, 1],
      workgroupSize: [program.workgroupSize, 1, 1],
      uniforms: declarations.join(""),
      shaderKey: program.name,
      getUserCode: () => program.code,
    },
    inputs.map(flat),
    output.dtype,
    [
      ...integers.map((value) => ({ type: "int32", data: [value] })),
      ...floats.map((value) => ({ type: "float32", data: [value] })),
    ],
    result,
  );
}

/** tfjs writes shader code for every rank it sees; one dimension keeps that code small and legal. */
function flat(tensor: TensorInfo): TensorInfo {
  return { ...tensor, shape: [util.sizeFromShape(tensor.shape)] };
}
