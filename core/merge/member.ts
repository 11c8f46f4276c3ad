import { dequantise } from "../patch/quantiser.ts";
import type { Standing } from "./multiplier.ts";
import type { MergeInput } from "./patch-sum.ts";

/** A contribution as judging and merging see it: decoded, its bytes and ticket already checked. */
export type Member = Omit<MergeInput, "multiplier"> &
  Standing & {
    readonly id: string;
    /** Public key. */
    readonly contributor: string;
  };

/** What the member adds to its positions [k], in f32. */
export function deltaOf(member: Member): Float32Array {
  return dequantise(member, member.segments);
}
