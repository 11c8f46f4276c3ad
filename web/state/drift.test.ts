import { expect, test } from "vitest";
import type { VersionSummary } from "../../core/protocol/schemas/version.ts";
import { judgeDrift } from "./drift.ts";

/** A history, oldest first as it grew, with these accuracies. */
function history(accuracies: readonly number[], examples = 3000): VersionSummary[] {
  return accuracies
    .map((accuracy, number) => ({
      number,
      id: String(number),
      parent: null,
      createdAt: 1,
      contributions: 1,
      contributors: 1,
      report: { examples, lossNats: 1 - accuracy, accuracy },
    }))
    .toReversed();
}

test("eight versions that each lose a little, and all passed, are a drift", () => {
  const falling = history([0.96, 0.958, 0.956, 0.954, 0.952, 0.95, 0.948, 0.946, 0.944]);
  expect(judgeDrift(falling, null)).toEqual({
    state: "alarm",
    why: "Version 8 is right on 94.4%, −1.60 points from version 0, the best so far, though every version in between passed its tests.",
  });
  expect(judgeDrift(falling.slice(3), null)?.state).toBe("warning");
});

test("a growing history, a small loss by chance, and a loss on few examples are none", () => {
  expect(judgeDrift(history([0.9, 0.92, 0.94]), null)).toBe(null);
  expect(judgeDrift(history([0.96, 0.957]), null)).toBe(null);
  expect(judgeDrift(history([0.96, 0.94], 100), null)).toBe(null);
  expect(judgeDrift(history([0.96, 0.959], 10_000_000), null)).toBe(null);
  expect(judgeDrift([], null)).toBe(null);
});

test("a head far below the release is told against the release", () => {
  const versions = history([0.96, 0.961, 0.93]);
  expect(judgeDrift(versions, { version: 0, tag: "1.2.0" })?.why).toMatch(/from the release 1.2.0/);
});
