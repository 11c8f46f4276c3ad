import { expect, test } from "vitest";
import type { ContributorCard } from "../../core/protocol/schemas/contributor.ts";
import { changeWords, standingWords } from "./standing.ts";

const card: ContributorCard = {
  contributor: "ab".repeat(32),
  name: null,
  blanked: null,
  model: "digits",
  credit: 1200,
  merged: 5,
  judgedExamples: 0,
  rank: 3,
  of: 9,
  above: { contributor: "cd".repeat(32), name: "Ada", credit: 1300.5 },
  firstMergedAt: 1,
  lastMergedAt: 2,
  versions: [],
  days: [],
};

test("a place comes with its rule and how much is missing to the next one", () => {
  expect(standingWords(card)).toMatch(
    /^Place 3 of 9, by credit: .* 101 more and it is Ada's place\.$/,
  );
  const unnamed = { ...card.above!, name: null, credit: 1200 };
  expect(standingWords({ ...card, above: unnamed })).toMatch(
    / 1 more and it is cdcdcdcd's place\.$/,
  );
  expect(standingWords({ ...card, rank: 1, above: null })).toMatch(/Nobody has more\.$/);
  expect(standingWords({ ...card, rank: null, above: null })).toMatch(/^No place yet/);
});

test("what has changed since the last visit is told, also where it is less, or nothing", () => {
  const before = { at: 0, merged: 4, rank: 5, head: 10 };
  expect(changeWords(before, card, 12)).toEqual([
    "1 patch was merged.",
    "You went up from place 5 to 3.",
    "The model went from version 10 to 12.",
  ]);
  const better = { ...before, merged: 7, rank: 2, head: 12 };
  expect(changeWords(better, card, 12)).toEqual([
    "2 patches were taken out again.",
    "You went down from place 2 to 3.",
  ]);
  expect(changeWords({ ...better, merged: 5, rank: 3 }, card, 12)).toEqual([
    "Nothing has changed.",
  ]);
});
