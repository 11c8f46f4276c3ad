import { expect, test } from "vitest";
import {
  formatAge,
  formatBytes,
  formatLossChange,
  formatPercent,
  formatPoints,
  formatSeconds,
  formatShare,
  formatSpan,
  plural,
} from "./quantities.ts";

test("shares are percentages, changes of shares are signed points", () => {
  expect(formatPercent(0.9143)).toBe("91.4%");
  expect(formatPoints(0.0042)).toBe("+0.42");
  expect(formatPoints(-0.0042)).toBe("−0.42");
});

test("a change too small to show has neither direction", () => {
  expect(formatPoints(-0.00001)).toBe("±0.00");
  expect(formatLossChange(0)).toBe("±0.0000");
});

test("a setting's share has no idle zeros, a cost in seconds has two digits", () => {
  expect([0.02, 0.005, 0.125, 1, 0].map(formatShare)).toEqual([
    "2%",
    "0.5%",
    "12.5%",
    "100%",
    "0%",
  ]);
  expect([0.0341, 2.41, 1234].map(formatSeconds)).toEqual(["0.034 s", "2.4 s", "1,234 s"]);
});

test("bytes are shown with two or three digits and their unit", () => {
  const sizes = [999, 1000, 23_456, 1_500_000, 12_345_678, 2_500_000_000, 25_000_000_000_000];
  expect(sizes.map(formatBytes)).toEqual([
    "999 B",
    "1.0 kB",
    "23 kB",
    "1.5 MB",
    "12 MB",
    "2500 MB",
    "25,000 GB",
  ]);
});

test("spans use their largest unit", () => {
  expect([0, 89_000, 90_000, 7_200_000, 172_800_000].map(formatSpan)).toEqual([
    "under 1 s",
    "89 s",
    "2 min",
    "2 h",
    "2 days",
  ]);
});

test("an age is never negative when the relay's clock is ahead", () => {
  expect(formatAge(10_000, 4_000)).toBe("just now");
  expect(formatAge(0, 60_000)).toBe("60 s ago");
});

test("one of a thing is singular", () => {
  expect(plural(1, "patch", "patches")).toBe("1 patch");
  expect(plural(1200, "patch", "patches")).toBe("1,200 patches");
});
