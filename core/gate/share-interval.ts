import type { Metrics } from "../protocol/schemas/version.ts";

/** What is measured on examples, with where the truth lies in 95 of 100 cases. */
export type ShareRange = { readonly low: number; readonly high: number };

const Z = 1.96; // of the normal distribution, for 95%

/**
 * Wilson's interval for a share that was measured on `examples`. Where an example has many answers, as a text has, the share's
 * variance is at most what it would be with one: the interval is then at least as wide as it need be.
 * Source: Wilson 1927, J. Am. Stat. Assoc. 22.
 */
export function shareInterval({
  accuracy,
  examples,
}: Pick<Metrics, "accuracy" | "examples">): ShareRange {
  const square = Z ** 2 / examples;
  const middle = accuracy + square / 2;
  const half = Z * Math.sqrt((accuracy * (1 - accuracy)) / examples + square / (4 * examples));
  return {
    low: Math.max(0, (middle - half) / (1 + square)),
    high: Math.min(1, (middle + half) / (1 + square)),
  };
}
