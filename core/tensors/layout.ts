import { FormatError } from "../errors.ts";

export type TensorShape = {
  readonly name: string;
  /** Outermost dimension first. */
  readonly shape: readonly number[];
};

export type LayoutTensor = TensorShape & {
  /** First flat position. */
  readonly offset: number;
  /** Product of the shape: how many parameters. */
  readonly size: number;
};

/**
 * A model's tensors in their fixed order; their concatenation is the flat parameter space of `size`
 * positions that masks index.
 */
export type Layout = {
  readonly tensors: readonly LayoutTensor[];
  readonly size: number;
};

export const MAX_PARAMETERS = 0x7fff_ffff; // positions are handled as non-negative int32
const MAX_TENSORS = 4096; // GPT-2 XL has 581

/** The layout of `shapes`: ordered by code units of the names (protocol L1), each name once. */
export function createLayout(shapes: readonly TensorShape[]): Layout {
  if (shapes.length > MAX_TENSORS) {
    throw new FormatError(`layout: ${shapes.length} tensors > ${MAX_TENSORS}`);
  }
  const ordered = [...shapes].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const tensors: LayoutTensor[] = [];
  let offset = 0;
  for (const { name, shape } of ordered) {
    if (tensors.at(-1)?.name === name) throw new FormatError(`layout: tensor "${name}" twice`);
    let size = 1;
    for (const length of shape) {
      if (!Number.isSafeInteger(length) || length < 1) {
        throw new FormatError(`layout: tensor "${name}" has a dimension of ${length}`);
      }
      size *= length;
    }
    if (offset + size > MAX_PARAMETERS) {
      throw new FormatError(`layout: more than ${MAX_PARAMETERS} parameters at "${name}"`);
    }
    tensors.push({ name, shape: [...shape], offset, size });
    offset += size;
  }
  if (offset === 0) throw new FormatError("layout: no parameters");
  return { tensors, size: offset };
}
