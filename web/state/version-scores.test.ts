import { expect, test } from "vitest";
import type { VersionSummary } from "../../core/protocol/schemas/version.ts";
import { versionScores } from "./version-scores.ts";

const version = (number: number, accuracy: number): VersionSummary => ({
  number,
  id: "f".repeat(64),
  parent: null,
  createdAt: 1,
  contributions: 1,
  contributors: 1,
  report: { examples: 1000, lossNats: 1, accuracy },
});
const [start, better, worse] = [version(0, 0.8), version(1, 0.9), version(2, 0.85)];

test("newest, release, best and start are compared, the newest first", () => {
  const release = { version: 0, tag: "1.0.0", report: start.report };
  const scores = versionScores({ head: worse, base: start }, [worse, better, start], release);
  expect(scores.map(({ number, marks }) => [number, marks])).toEqual([
    [2, ["newest"]],
    [1, ["best"]],
    [0, ["release 1.0.0", "start"]],
  ]);
});

test("a model that nobody has trained has one version, which is all of it", () => {
  const scores = versionScores({ head: start, base: start }, [], null);
  expect(scores.map(({ marks }) => marks)).toEqual([["newest", "best", "start"]]);
});
