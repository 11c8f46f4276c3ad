import { type HostBodies, plainBodies } from "../host-bodies.ts";
import { type Heap, withScratch } from "./heap.ts";
import type { SimdExports } from "./simd-module.ts";
import { padded } from "./simd-products.ts";

// R rows, C classes

type Losses = Pick<HostBodies, "crossEntropy" | "scoreLogits">;

/** Losses whose softmax is `simd`'s, where a row of classes is whole vectors. */
export function createSimdLosses(simd: SimdExports, heap: Heap): Losses {
  return {
    crossEntropy(losses, dlogits, logits, targets) {
      const R = targets.length;
      const C = logits.length / R;
      if (C !== padded(C)) return plainBodies.crossEntropy(losses, dlogits, logits, targets);
      const answers = Int32Array.from(targets); // out of the heap, which may move
      withScratch(heap, [losses, dlogits, logits], [2], (given, [statistics]) => {
        const [lossesOn, dlogitsOn, logitsOn] = given;
        for (let r = 0; r < R; r++) {
          const row = 4 * r * C;
          const [to, from] = [dlogitsOn.byteOffset + row, logitsOn.byteOffset + row];
          simd.softmax(to, from, 4 * C, statistics.byteOffset);
          const [most = 0, sum = 0] = statistics;
          const target = r * C + answers[r]!;
          lossesOn[r] = Math.log(sum) + most - logitsOn[target]!;
          dlogitsOn[target]! -= 1;
        }
        for (let p = 0; p < R * C; p++) dlogitsOn[p]! /= R;
      });
    },

    scoreLogits(scores, logits, targets) {
      const R = targets.length;
      const C = logits.length / R;
      if (C !== padded(C)) return plainBodies.scoreLogits(scores, logits, targets);
      const answers = Int32Array.from(targets);
      withScratch(heap, [scores, logits], [2, C], ([scoresOn, logitsOn], [statistics, weights]) => {
        for (let r = 0; r < R; r++) {
          const row = logitsOn.subarray(r * C, (r + 1) * C);
          simd.softmax(weights.byteOffset, row.byteOffset, 4 * C, statistics.byteOffset);
          const [most = 0, sum = 0] = statistics;
          scoresOn[r] = Math.log(sum) + most - row[answers[r]!]!;
          scoresOn[R + r] = row.indexOf(most) === answers[r] ? 1 : 0; // the first of equals answers
        }
      });
    },
  };
}
