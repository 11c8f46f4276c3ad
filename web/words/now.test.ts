import { expect, test } from "vitest";
import { cohortWords, trainingWords } from "./now.ts";

const people = (count: number) => ({
  count,
  contributors: Array.from({ length: Math.min(count, 100) }, (_, i) => ({
    contributor: `${i}`.padStart(64, "f"),
    name: i === 0 ? "Ada" : null,
  })),
});

test("words: who trains is named up to three, and the others are counted", () => {
  expect(trainingWords(people(0))).toBe("Nobody is training right now");
  expect(trainingWords(people(1))).toBe("Ada is training");
  expect(trainingWords(people(2))).toBe("Ada and ffffffff are training");
  expect(trainingWords(people(4))).toBe("Ada, ffffffff, ffffffff and ffffffff are training");
  expect(trainingWords(people(1500))).toBe("Ada, ffffffff, ffffffff and 1,497 others are training");
});

test("words: a cohort says what is missing, until when, and when it is full", () => {
  const cohort = { size: 10, queued: 4, contributors: [], closesInSeconds: 20 };
  expect(cohortWords({ ...cohort, queued: 0, closesInSeconds: null })).toBe(
    "0 of 10 patches are there",
  );
  expect(cohortWords(cohort)).toBe(
    "4 of 10 patches are there; the tests begin in about 20 s at the latest",
  );
  for (const full of [{ queued: 12 }, { closesInSeconds: 0 }]) {
    expect(cohortWords({ ...cohort, ...full })).toMatch(/; the tests are under way$/);
  }
});
