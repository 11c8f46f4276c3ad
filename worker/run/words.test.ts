import { expect, test } from "vitest";
import { describeStop, describeStoreFault } from "./words.ts";

test.each([
  ["QuotaExceededError", /no room left/],
  ["VersionError", /^A newer page has changed what this browser keeps\. Reload this page/],
  ["SecurityError", /^This browser does not let the page keep finished work/],
  ["InvalidStateError", /^This browser does not let the page keep finished work/],
  ["AbortError", /can't be opened \(told by the browser\)\. Reload/],
])("a store that fails with %s is told in a plain sentence", (name, words) => {
  expect(describeStoreFault(new DOMException("told by the browser", name))).toMatch(words);
});

test("a disk that fails in the middle of a run is told as such", () => {
  expect(describeStop(new DOMException("?", "UnknownError"))).toMatch(/keep finished work/);
});
