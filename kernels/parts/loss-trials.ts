import { zeros } from "@tensorflow/tfjs-core";
import { crossEntropy, lossInto, scoreLogits } from "../../core/models/operations.ts";
import type { Random } from "../../core/random.ts";
import { plainBodies } from "../host-bodies.ts";
import { integers, type OperationTrial, on, TRIAL_SIZES } from "../trial.ts";

const { R, O } = TRIAL_SIZES;

/** Losses of logits [R, O] at targets that are drawn. */
export function* lossTrials(random: Random, logits: Float32Array): Generator<OperationTrial> {
  const targets = Int32Array.from({ length: R }, () => random.below(O));
  const losses = new Float32Array(R);
  const dlogits = new Float32Array(R * O);
  const weights = Float32Array.from(losses, (_, r) => (r % 3) / R); // every third counts nothing
  plainBodies.crossEntropy(losses, dlogits, logits, targets, weights);
  const scores = new Float32Array(2 * R);
  plainBodies.scoreLogits(scores.subarray(0, R), scores.subarray(R), logits, targets);
  const told = losses.reduce((sum, loss, r) => sum + weights[r]! * loss, 0);
  yield {
    op: "CrossEntropy",
    onDevice: () => {
      const both = crossEntropy(on(logits, R, O), integers(targets), on(weights, R));
      return [both.losses, both.dlogits];
    },
    expected: [losses, dlogits],
  };
  yield {
    op: "ScoreLogits",
    onDevice: () => [scoreLogits(on(logits, R, O), integers(targets))],
    expected: [scores],
  };
  yield {
    op: "LossInto",
    onDevice: () => {
      const log = zeros([3]);
      lossInto(log, on(losses, R), on(weights, R), { index: 1 });
      return [log];
    },
    expected: [Float32Array.of(0, told, 0)],
  };
}
