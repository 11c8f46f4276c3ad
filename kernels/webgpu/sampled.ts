import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import type { MaskPair } from "../../core/models/operations.ts";
import type { NormKind } from "../../core/models/transformer-operations.ts";
import { runInParts } from "./dispatch-limit.ts";
import type { Program } from "./program.ts";
import { THREADS } from "./programs.ts";

// R rows, I inputs, O outputs, C channels; one thread an entry of the mask, sums in row order

/** What the programs share: into which entries, and where each lies inside its tensor. */
type Sampled = {
  readonly gradient: TensorInfo;
  readonly positions: TensorInfo;
  readonly pair: MaskPair;
};

const PAIR = ["start", "first", "second", "firstGroup"];

const program = (
  name: string,
  inputs: string[],
  { sizes, floats = [] }: { readonly sizes: string[]; readonly floats?: string[] },
  code: string,
): Program => ({
  name: `commonweight_sampled_${name}`,
  inputs: [...inputs, "positions"],
  integers: [...sizes, ...PAIR],
  floats,
  workgroupSize: THREADS,
  code,
});

/** The entry of a thread, whether it lies in the pair's first tensor, and its position there. */
const ENTRY = `
      let item = index + uniforms.firstGroup * ${THREADS};
      let isOurs = item < uniforms.first + uniforms.second;
      let isFirst = item < uniforms.first;
      let entry = uniforms.start + item;
      let position = select(0, positions[entry], isOurs);
      var sum = 0.0;`;

/** What lies past the last column has no gradient. */
const columnSum = (columns: string) => `
        for (var at = position; at < uniforms.rows * ${columns} && position < ${columns}; at += ${columns}) { sum += dy[at]; }`;

const ADDED = "if (uniforms.adds == 1) { sum = result[entry]; }";

const linearProgram = (outIn: boolean) =>
  program(
    `linear_${outIn}`,
    ["x", "dy"],
    { sizes: ["rows", "inputs", "outputs", "adds"] },
    `
    fn main(index : i32) {${ENTRY}
      if (!isOurs) { return; }
      if (isFirst) {${columnSum("uniforms.outputs")}
      } else {
        ${ADDED}
        var atX = position ${outIn ? "% uniforms.inputs" : "/ uniforms.outputs"};
        var atDy = position ${outIn ? "/ uniforms.inputs" : "% uniforms.outputs"};
        for (var row = 0; row < uniforms.rows; row++) {
          sum += x[atX] * dy[atDy];
          atX += uniforms.inputs;
          atDy += uniforms.outputs;
        }
      }
      result[entry] = sum;
    }`,
  );
const LINEAR = { outIn: linearProgram(true), inOut: linearProgram(false) };

/** The masked entries of a linear operation's bias and weight. */
export function runSampledLinear(
  backend: WebGPUBackend,
  {
    gradient,
    x,
    dy,
    positions,
    pair,
    outIn,
    adds,
  }: Sampled & {
    readonly x: TensorInfo;
    readonly dy: TensorInfo;
    readonly outIn: boolean;
    readonly adds: boolean;
  },
): void {
  const [R = 0, I = 0] = x.shape;
  const [, O = 0] = dy.shape;
  runInParts(backend, outIn ? LINEAR.outIn : LINEAR.inOut, {
    output: gradient,
    inputs: [x, dy, positions],
    integers: [R, I, O, adds ? 1 : 0, ...entriesOf(pair)],
    ...groupsOf(pair, R),
  });
}

/** The threads of a group find mean and inverse deviation of as many rows together, then each goes over these rows. */
const normProgram = (norm: NormKind["norm"]) =>
  program(
    `${norm}_norm`,
    ["x", "dy"],
    { sizes: ["rows", "channels"], floats: ["epsilon"] },
    `
    var<workgroup> norms : array<vec2<f32>, ${THREADS}>; // what is taken off a row, and what it is then multiplied by

    fn normOf(row : i32) -> vec2<f32> {
      let start = row * uniforms.channels;
      var mean = 0.0;
      ${norm === "rms" ? "" : "for (var c = 0; c < uniforms.channels; c++) { mean += x[start + c]; }"}
      mean /= f32(uniforms.channels);
      var variance = 0.0;
      for (var c = 0; c < uniforms.channels; c++) {
        let distance = x[start + c] - mean;
        variance += distance * distance;
      }
      return vec2<f32>(mean, inverseSqrt(variance / f32(uniforms.channels) + uniforms.epsilon));
    }

    fn main(index : i32) {${ENTRY}
      if (isFirst) {${columnSum("uniforms.channels")}
      }
      if (uniforms.second > 0) {
        for (var row0 = 0; row0 < uniforms.rows; row0 += ${THREADS}) {
          let own = row0 + i32(localIndex);
          if (own < uniforms.rows) { norms[localIndex] = normOf(own); }
          workgroupBarrier();
          if (isOurs && !isFirst) {
            for (var row = row0; row < min(row0 + ${THREADS}, uniforms.rows); row++) {
              let norm = norms[row - row0];
              let at = row * uniforms.channels + position;
              sum += dy[at] * (x[at] - norm.x) * norm.y;
            }
          }
          workgroupBarrier();
        }
      }
      if (isOurs) { result[entry] = sum; }
    }`,
  );

const NORM = { layer: normProgram("layer"), rms: normProgram("rms") };

/** The masked entries of a norm's bias and weight. */
export function runSampledNorm(
  backend: WebGPUBackend,
  {
    gradient,
    x,
    dy,
    positions,
    pair,
    kind,
  }: Sampled & { readonly x: TensorInfo; readonly dy: TensorInfo; readonly kind: NormKind },
): void {
  const [R = 0, C = 0] = x.shape;
  runInParts(backend, NORM[kind.norm], {
    floats: [kind.epsilon],
    output: gradient,
    inputs: [x, dy, positions],
    integers: [R, C, ...entriesOf(pair)],
    ...groupsOf(pair, R, 4 * R * C),
  });
}

const LOOKUP = program(
  "lookup",
  ["tokens", "dx"],
  { sizes: ["rows", "channels", "adds"] },
  `
    fn main(index : i32) {${ENTRY}
      if (!isOurs) { return; }
      ${ADDED}
      let token = position / uniforms.channels;
      let c = position % uniforms.channels;
      for (var row = 0; row < uniforms.rows; row++) {
        if (tokens[row] == token) { sum += dx[row * uniforms.channels + c]; }
      }
      result[entry] = sum;
    }`,
);

/** The masked entries of a table that tokens look their rows up in. */
export function runSampledLookup(
  backend: WebGPUBackend,
  {
    gradient,
    tokens,
    dx,
    positions,
    pair,
    adds,
  }: Sampled & {
    readonly tokens: TensorInfo;
    readonly dx: TensorInfo;
    readonly adds: boolean;
  },
): void {
  const [R = 0, C = 0] = dx.shape;
  runInParts(backend, LOOKUP, {
    output: gradient,
    inputs: [tokens, dx, positions],
    integers: [R, C, adds ? 1 : 0, ...entriesOf(pair)],
    ...groupsOf(pair, R),
  });
}

function entriesOf({ start, first, second }: MaskPair): number[] {
  return [start, first, second];
}

const SCATTERED = 4; // what a product of two values far apart costs, in multiply-adds of a tile

/** `shared`: what a group does once for all its entries. */
function groupsOf(
  { first, second }: MaskPair,
  rows: number,
  shared = 0,
): { groups: number; groupCost: number } {
  return {
    groups: Math.ceil((first + second) / THREADS),
    groupCost: SCATTERED * THREADS * rows + shared,
  };
}
