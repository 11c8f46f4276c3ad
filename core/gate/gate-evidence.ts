import type { FlipCount, SuiteTest } from "../protocol/schemas/version.ts";
import type { Evaluation } from "../training/metrics.ts";
import { countNegativeFlips } from "./negative-flips.ts";
import { pairedTest } from "./paired-test.ts";

const LOSS_NATS = 1e-4; // two devices' mean losses differ by a hundredth of that
const EVIDENCE = 0.01; // and the evidence by a tenth of that
const FLIPS = 2; // answers whose two likeliest are as likely

/**
 * What comes out otherwise when a test is run again on the same examples (protocol V13), `own` being the version's losses and
 * `earlier` those of the one that it was tested against; null if nothing does.
 */
export function testFault(test: SuiteTest, own: Evaluation, earlier: Evaluation): string | null {
  const { examples, meanDifferenceNats, passAt, marginNats = 0, clipNats = 0 } = test;
  const differences = own.losses.subarray(0, examples).map((loss, i) => loss - earlier.losses[i]!);
  if (differences.length < examples) return `has ${differences.length} examples, not ${examples}`;
  const result = pairedTest(differences, {
    marginNats,
    clipNats,
    alpha: Math.exp(EVIDENCE - passAt),
    beta: Number.MIN_VALUE, // that it did not fail before is no evidence
    maxExamples: examples,
  });
  if (result.decision !== "pass") return "does not pass";
  const mean = differences.reduce((sum, difference) => sum + difference, 0) / examples;
  if (Math.abs(mean - meanDifferenceNats) <= LOSS_NATS) return null;
  return `differs by ${mean} nats on average, not ${meanDifferenceNats}`;
}

/** The same of a version's flips against the release's. */
export function flipFault(
  { flips, rightBefore }: FlipCount,
  own: Evaluation,
  release: Evaluation,
): string | null {
  const again = countNegativeFlips(release.answers, own.answers);
  if (Math.abs(again.flips - flips) > FLIPS) {
    return `it says ${flips} answers flipped, and ${again.flips} do`;
  }
  return Math.abs(again.rightBefore - rightBefore) <= FLIPS
    ? null
    : `it says ${rightBefore} answers were right before, and ${again.rightBefore} were`;
}
