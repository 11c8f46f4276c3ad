import { expect, test } from "vitest";
import type { GateTest } from "../../core/protocol/schemas/status.ts";
import { restingWords, spentBudget } from "./health.ts";

const tested = (decision: GateTest["decision"], flips: number): GateTest => ({
  ...{ at: 1, head: 3, contributions: 2, decision, tests: [] },
  flips: { version: 1, flips, rightBefore: 1000, budget: 0.03 },
});

test("G9, H18: Health says that a flip budget is used up, and names the ways out", () => {
  expect(spentBudget(tested("undecided", 31))).toBe(
    "more than 3.0% of what version 1 had right would be lost: tag a newer version as a release, revert what flips most, or raise the recipe's flip budget",
  );
  expect(spentBudget(tested("undecided", 30))).toBeNull();
  expect(spentBudget(tested("pass", 30))).toBeNull();
  expect(spentBudget({ ...tested("undecided", 0), flips: null })).toBeNull();
  expect(spentBudget(undefined)).toBeNull();
});

test("H27, H18: Health says that there is nothing to gain, and names the ways out", () => {
  const rest = { count: 20, leftMs: 0 };
  const against = (best: "pass" | "undecided"): GateTest => ({
    ...tested("undecided", 0),
    tests: [
      {
        ...{ suite: "gate", against: "best", version: 7, decision: best, examples: 10 },
        ...{ meanDifferenceNats: 0, logEvidence: 0, passAt: 3 },
      },
    ],
  });
  expect(restingWords(rest, against("undecided"))).toContain("tag the newest version as a release");
  expect(restingWords(rest, against("undecided"))).toContain("not as good as version 7");
  expect(restingWords(rest, against("pass"))).toContain("other data");
  expect(restingWords(rest, undefined)).toContain("20 honest pieces");
  expect(restingWords(null, against("undecided"))).toBeNull();
});
