import { expect, test } from "vitest";
import type { VersionList, VersionSummary } from "../../core/protocol/schemas/version.ts";
import { addVersion, isFurtherBack, isRevert, mergeVersions, withGains } from "./history.ts";

const summary = (number: number): VersionSummary => ({
  number,
  id: number.toString(16).padStart(64, "0"),
  parent: null,
  createdAt: number,
  contributions: 1,
  contributors: 1,
  report: { examples: 10, lossNats: 1, accuracy: 0.5 },
});
const list = (from: number, to: number): VersionList => ({
  versions: Array.from({ length: from - to + 1 }, (_, i) => summary(from - i)),
  next: to === 0 ? null : to,
});
const numbers = (versions: VersionList) => versions.versions.map(({ number }) => number);

test("a fresh first page keeps the older pages that were read before", () => {
  const merged = mergeVersions(list(5, 0), list(6, 4));
  expect(numbers(merged)).toEqual([6, 5, 4, 3, 2, 1, 0]);
  expect(merged.next).toBe(null);
});

test("an older page is put below and says where to read on", () => {
  const merged = mergeVersions(list(9, 6), list(5, 3));
  expect(numbers(merged)).toEqual([9, 8, 7, 6, 5, 4, 3]);
  expect(merged.next).toBe(3);
});

test("a page that leaves a gap to what is known replaces it", () => {
  expect(numbers(mergeVersions(list(3, 1), list(9, 6)))).toEqual([9, 8, 7, 6]);
});

test("a published version goes on top once; after a gap the list must be read again", () => {
  const known = list(2, 0);
  const added = addVersion(known, summary(3));
  expect(added && numbers(added)).toEqual([3, 2, 1, 0]);
  expect(addVersion(known, summary(2))).toBe(known);
  expect(addVersion(known, summary(5))).toBe(null);
});

test("a version without contributions takes one out again, unless it is the base", () => {
  expect(isRevert({ ...summary(3), contributions: 0 })).toBe(true);
  expect(isRevert(summary(3))).toBe(false);
  expect(isRevert({ ...summary(0), contributions: 0 })).toBe(false);
});

test("a version gains on the one below it, and nothing can be said of the last one listed", () => {
  const accuracies = [0.75, 0.5, 0.625];
  const versions = accuracies.map((accuracy, i) => {
    const version = summary(5 - i);
    return { ...version, report: { ...version.report, accuracy } };
  });
  expect(withGains(versions).map(({ gain }) => gain)).toEqual([0.25, -0.125, null]);
  expect(withGains([])).toEqual([]);
});

test("reading on comes to what is older than the list, and to nothing else", () => {
  expect(isFurtherBack(list(9, 6), 5)).toBe(true);
  expect(isFurtherBack(list(9, 6), 6)).toBe(false);
  expect(isFurtherBack(list(9, 0), 5)).toBe(false);
  expect(isFurtherBack(list(9, 6), null)).toBe(false);
  expect(isFurtherBack(null, 5)).toBe(false);
});
