import type { NamedAttrMap, TensorInfo } from "@tensorflow/tfjs-core";
import { assert } from "../core/errors.ts";
import type { MaskPair } from "../core/models/operations.ts";

/** The two sizes of a tensor that must be a matrix. */
export function matrix({ shape }: TensorInfo): [rows: number, columns: number] {
  const [rows, columns] = shape;
  assert(shape.length === 2 && rows !== undefined && columns !== undefined, `no matrix: ${shape}`);
  return [rows, columns];
}

/** The attributes of a MaskPair. */
export function pair(attributes: NamedAttrMap): MaskPair {
  const { start, first, second } = attributes;
  return { start: Number(start), first: Number(first), second: Number(second) };
}

/** The attributes of a MaskPart. */
export function part(attributes: NamedAttrMap): { start: number; count: number } {
  return { start: Number(attributes.start), count: Number(attributes.count) };
}
