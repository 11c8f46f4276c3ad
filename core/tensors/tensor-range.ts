import { FormatError } from "../errors.ts";
import type { Layout } from "./layout.ts";

/** Some weights of a tensor, as `blame` is asked for them. */
export type TensorRange = {
  readonly tensor: string;
  /** Flat positions, strictly ascending [k]. */
  readonly positions: Uint32Array;
};

const RANGE = /^(.+?)(?:\[([0-9:,\s]*)\])?$/;

/**
 * Read `wte`, `wte[3]`, `wte[3,10:20]` or `wte[:2]` in `layout`: indices and half-open ranges, outermost dimension
 * first, as numpy has them; dimensions that are left out are whole. A FormatError says what the model does not have.
 */
export function parseTensorRange(text: string, layout: Layout): TensorRange {
  const [, name = "", words = ""] = RANGE.exec(text) ?? [];
  const tensor = layout.tensors.find((each) => each.name === name);
  if (tensor === undefined) {
    const names = layout.tensors.map((each) => each.name).join(", ");
    throw new FormatError(`there is no tensor "${name}"; there are ${names}`);
  }
  const slices = words.trim() === "" ? [] : words.split(",");
  if (slices.length > tensor.shape.length) {
    throw new FormatError(`${text}: "${name}" is [${tensor.shape}]`);
  }
  const bounds = tensor.shape.map((length, axis) => boundsOf(text, slices[axis], length));
  const count = bounds.reduce((product, [from, to]) => product * (to - from), 1);
  const positions = new Uint32Array(count);
  const index = bounds.map(([from]) => from);
  for (let i = 0; i < count; i++) {
    const flat = index.reduce((sum, at, axis) => sum * tensor.shape[axis]! + at, 0);
    positions[i] = tensor.offset + flat;
    for (let axis = index.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      if (index[axis]! < bounds[axis]![1]) break;
      index[axis] = bounds[axis]![0];
    }
  }
  return { tensor: name, positions };
}

/** The indices of a flat position in its tensor, outermost first. */
export function indicesOf(shape: readonly number[], flat: number): number[] {
  const indices: number[] = [];
  let left = flat;
  for (const length of shape.toReversed()) {
    indices.unshift(left % length);
    left = Math.floor(left / length);
  }
  return indices;
}

function boundsOf(text: string, slice: string | undefined, length: number): [number, number] {
  if (slice === undefined) return [0, length];
  const [, single, from, to] = /^(?:(\d+)|(\d*):(\d*))$/.exec(slice.trim()) ?? [];
  const low = Number(single ?? (from || 0));
  const high = single === undefined ? Number(to || length) : low + 1;
  if (from === undefined && single === undefined) throw new FormatError(`${text}: "${slice}"?`);
  if (low >= high || high > length) {
    throw new FormatError(`${text}: ${slice.trim()} is not within 0:${length}`);
  }
  return [low, high];
}
