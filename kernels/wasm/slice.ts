import {
  type KernelConfig,
  type SliceAttrs,
  slice_util,
  type Tensor,
  type TensorInfo,
} from "@tensorflow/tfjs-core";
import type { HeapBackend } from "./heap-backend.ts";

/** tfjs's "Slice" of a matrix, row by row: its own goes value by value where columns are cut off. Null for other ranks. */
export function sliceMatrix(call: Parameters<KernelConfig["kernelFunc"]>[0]): TensorInfo | null {
  const backend = call.backend as HeapBackend; // tfjs passes the backend that it is registered for
  const x = call.inputs.x as TensorInfo; // the operation's own
  const { begin, size } = call.attrs as unknown as SliceAttrs;
  const [rows, columns] = x.shape;
  if (x.shape.length !== 2 || x.dtype !== "float32" || rows === undefined) return null;
  const [starts = [], sizes = []] = slice_util.parseSliceParams(x as Tensor, begin, size); // it reads the shape alone
  const [row = 0, column = 0] = starts;
  const [height = 0, width = 0] = sizes;
  slice_util.assertParamsValid(x as Tensor, starts, sizes);
  const y = backend.make([height, width], "float32");
  const [from, to] = [backend.inPlace(x), backend.inPlace(y)];
  for (let r = 0; r < height; r++) {
    const at = (row + r) * (columns ?? 1) + column;
    to.set(from.subarray(at, at + width), r * width);
  }
  return y;
}
