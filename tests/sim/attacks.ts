import { MAX_CODE } from "../../core/patch/quantiser.ts";
import type { Random } from "../../core/random.ts";
import type { Examples } from "../../core/training/examples.ts";

/** What a liar does instead of honest work. */
export const ATTACKS = [
  "noise", // a random delta as long as the honest one
  "sign-flip", // the honest delta, backwards
  "scaled", // ten times the honest delta
  "label-permutation", // honest training on wrong labels
  "half-work", // half of the steps, the delta doubled
] as const;
export type Attack = (typeof ATTACKS)[number];

/** The examples that a liar trains on: every label moved on by one class. */
export function attackedExamples(examples: Examples, attack: Attack, classes: number): Examples {
  if (attack !== "label-permutation" || examples.kind !== "images") return examples;
  return { ...examples, labels: examples.labels.map((label) => (label + 1) % classes) };
}

/** What a liar sends for the `delta` [k] that it trained. */
export function attackedDelta(delta: Float32Array, attack: Attack, random: Random): Float32Array {
  switch (attack) {
    case "noise":
      return noiseLike(delta, random);
    case "sign-flip":
      return delta.map((value) => -value);
    case "scaled":
      return delta.map((value) => Math.max(-MAX_CODE, Math.min(MAX_CODE, 10 * value))); // the most a patch holds
    case "half-work":
      return delta.map((value) => 2 * value);
    case "label-permutation":
      return delta;
  }
}

function noiseLike(delta: Float32Array, random: Random): Float32Array {
  const noise = delta.map(() => random.uint32() / 2 ** 31 - 1);
  const scale = length(delta) / length(noise);
  return noise.map((value) => value * scale);
}

function length(values: Float32Array): number {
  let squares = 0;
  for (const value of values) squares += value * value;
  return Math.sqrt(squares);
}
