import type { HostBodies } from "../host-bodies.ts";
import { type Heap, withScratch } from "./heap.ts";
import type { SimdExports } from "./simd-module.ts";
import { padded } from "./simd-products.ts";

// R rows, C classes

type Losses = Pick<HostBodies, "crossEntropy" | "scoreLogits">;

/** Losses whose softmax is `simd`'s, over a row at a time that is filled up to whole vectors. */
export function createSimdLosses(simd: SimdExports, heap: Heap): Losses {
  /** Σ exp of a row [C] from its largest, and that; the weights, exp over the sum, are in `row` [padded(C)]. */
  const softmaxOf = (row: Float32Array, statistics: Float32Array, logits: Float32Array) => {
    row.set(logits);
    row.fill(Number.NEGATIVE_INFINITY, logits.length);
    simd.softmax(row.byteOffset, row.byteOffset, row.byteLength, statistics.byteOffset);
    const [most = 0, sum = 0] = statistics;
    return { most, sum };
  };

  return {
    crossEntropy(losses, dlogits, logits, targets, weights) {
      const R = targets.length;
      const C = logits.length / R;
      const answers = Int32Array.from(targets); // out of the heap, which may move
      const given = [losses, dlogits, logits, weights] as const;
      withScratch(heap, given, [2, padded(C)], (arrays, [statistics, row]) => {
        const [lossesOn, dlogitsOn, logitsOn, weightsOn] = arrays;
        for (let r = 0; r < R; r++) {
          const weight = weightsOn[r]!;
          const target = r * C + answers[r]!;
          const { most, sum } = softmaxOf(row, statistics, logitsOn.subarray(r * C, (r + 1) * C));
          lossesOn[r] = Math.log(sum) + most - logitsOn[target]!;
          const to = dlogitsOn.subarray(r * C, (r + 1) * C);
          for (let c = 0; c < C; c++) to[c] = row[c]! * weight;
          dlogitsOn[target] = (row[answers[r]!]! - 1) * weight;
        }
      });
    },

    scoreLogits(losses, right, logits, targets) {
      const R = targets.length;
      const C = logits.length / R;
      const answers = Int32Array.from(targets);
      const arrays = [losses, right, logits] as const;
      withScratch(heap, arrays, [2, padded(C)], (given, [statistics, scratch]) => {
        const [lossesOn, rightOn, logitsOn] = given;
        for (let r = 0; r < R; r++) {
          const row = logitsOn.subarray(r * C, (r + 1) * C);
          const { most, sum } = softmaxOf(scratch, statistics, row);
          lossesOn[r] = Math.log(sum) + most - row[answers[r]!]!;
          rightOn[r] = row.indexOf(most) === answers[r] ? 1 : 0; // the first of equals answers
        }
      });
    },
  };
}
