import { expect, test } from "vitest";
import type { ContributorCard } from "../../core/protocol/schemas/contributor.ts";
import { forgetVisits, noteVisit } from "./last-visit.ts";

const HOUR_MS = 3600_000;
const card = (merged: number, rank: number): ContributorCard => ({
  contributor: "ab".repeat(32),
  name: null,
  blanked: null,
  model: "digits",
  credit: 100 * merged,
  merged,
  judgedExamples: 0,
  rank,
  of: 9,
  above: null,
  firstMergedAt: 1,
  lastMergedAt: 2,
  versions: [],
  days: [],
});

function memory(kept = new Map<string, string>()) {
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
}

test("a visit is compared with the end of the one before, however often it is looked at", () => {
  const storage = memory();
  expect(noteVisit(storage, card(1, 5), 10, 0)).toBeNull();
  expect(noteVisit(storage, card(2, 4), 11, 60_000)).toBeNull();
  const before = { at: 60_000, merged: 2, rank: 4, head: 11 };
  expect(noteVisit(storage, card(5, 3), 20, 2 * HOUR_MS)).toEqual(before);
  expect(noteVisit(storage, card(6, 3), 21, 2 * HOUR_MS + 1)).toEqual(before);
});

test("a device that is forgotten has no visits", () => {
  const storage = memory();
  noteVisit(storage, card(1, 5), 10, 0);
  forgetVisits(storage);
  expect(noteVisit(storage, card(2, 5), 10, HOUR_MS)).toBeNull();
});

test("a storage that is blocked, full or damaged makes every visit a first one", () => {
  const blocked = {
    getItem: () => {
      throw new Error("SecurityError");
    },
    setItem: () => {
      throw new Error("QuotaExceededError");
    },
  };
  expect(noteVisit(blocked, card(1, 1), 1, 0)).toBeNull();
  const name = `digits ${"ab".repeat(32)}`;
  for (const damaged of ["{", "7", "null", `{"${name}":{"latest":{}}}`, `{"${name}":3}`]) {
    expect(noteVisit({ ...memory(), getItem: () => damaged }, card(1, 1), 1, 0)).toBeNull();
  }
});
