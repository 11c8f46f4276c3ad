import type { Layout } from "../tensors/layout.ts";
import { indicesOf } from "../tensors/tensor-range.ts";

export type Change = {
  /** In the tensor, outermost first. */
  readonly index: readonly number[];
  readonly before: number;
  readonly after: number;
};

export type TensorDiff = {
  readonly tensor: string;
  readonly shape: readonly number[];
  /** Entries whose bits differ. */
  readonly changed: number;
  /** Euclidean norm of after − before. */
  readonly norm: number;
  /** The entries that moved furthest, furthest first. */
  readonly largest: readonly Change[];
};

const LARGEST = 3;

/** What differs between two versions' parameters [N], tensor by tensor. */
export function diffCheckpoints(
  layout: Layout,
  before: Float32Array,
  after: Float32Array,
): TensorDiff[] {
  return layout.tensors.map(({ name, shape, offset, size }) => {
    let changed = 0;
    let squares = 0;
    const largest: number[] = []; // flat in the tensor
    const moved = (at: number) => Math.abs(after[offset + at]! - before[offset + at]!);
    for (let at = 0; at < size; at++) {
      if (Object.is(before[offset + at], after[offset + at])) continue;
      changed++;
      const distance = moved(at);
      squares += distance * distance;
      if (largest.length === LARGEST && distance <= moved(largest.at(-1)!)) continue;
      largest.push(at);
      largest.sort((a, b) => moved(b) - moved(a));
      largest.length = Math.min(largest.length, LARGEST);
    }
    return {
      tensor: name,
      shape,
      changed,
      norm: Math.sqrt(squares),
      largest: largest.map((at) => ({
        index: indicesOf(shape, at),
        before: before[offset + at]!,
        after: after[offset + at]!,
      })),
    };
  });
}
