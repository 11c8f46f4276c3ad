import { expect, test } from "vitest";
import type { SuiteTest } from "../../core/protocol/schemas/version.ts";
import {
  describeCandidate,
  describeEvidence,
  describeFlips,
  describeLook,
  describePackets,
  evidenceShare,
  nameTest,
} from "./gate.ts";

const suiteTest = (change: Partial<SuiteTest>): SuiteTest => ({
  suite: "gate",
  against: "parent",
  version: 41,
  decision: "pass",
  examples: 1320,
  meanDifferenceNats: -0.00118,
  logEvidence: 2.13,
  passAt: -Math.log(0.025),
  ...change,
});

test("words: a test says on what, against whom, how much it saw and found", () => {
  expect(nameTest(suiteTest({}))).toBe("Gate examples, against version 41 (its parent)");
  expect(nameTest(suiteTest({ suite: "protected", against: "release", version: 0 }))).toBe(
    "Protected examples, against version 0 (the release)",
  );
  expect(describeLook(suiteTest({}))).toBe("1,320 examples, loss −0.0012 on average");
});

test("words: evidence is told as a share of what a decision needs, and its bar ends at 0 and at the pass", () => {
  expect(describeEvidence(suiteTest({}))).toBe("58% of the proof it needs");
  expect(describeEvidence(suiteTest({ logEvidence: -0.01 }))).toBe("0% of the proof it needs");
  expect(describeEvidence(suiteTest({ logEvidence: -1.24 }))).toBe("0% of the proof it needs");
  const shares = [-3, 0, 1.5, 9].map((logEvidence) =>
    evidenceShare(suiteTest({ logEvidence, passAt: 3 })),
  );
  expect(shares).toEqual([0, 0, 0.5, 1]);
});

test("words: flips are counted against what the release had right, with the budget", () => {
  expect(describeFlips({ version: 12, flips: 3, rightBefore: 3650, budget: 0.01 })).toBe(
    "Of 3,650 answers that version 12, the release, had right, 3 are wrong now; at most 1% may be (36).",
  );
});

test("words: a revert is called one, and what was published says so", () => {
  const test = { at: 1, head: 20, tests: [], flips: null };
  const merge = { ...test, contributions: 3, decision: "undecided" } as const;
  expect(describeCandidate(merge, null)).toBe(
    "3 patches on version 20: undecided, so not published",
  );
  const revert = { ...test, contributions: 0, decision: "undecided" } as const;
  expect(describeCandidate(revert, 21)).toBe(
    "A revert, on version 20: did not pass (undecided); published as version 21, because a maintainer insisted",
  );
  expect(describeCandidate(revert, null)).toBe(
    "A revert, on version 20: undecided, so not published",
  );
});

test("words: the packets of a suite go by its name, be it the relay's own or not", () => {
  const say = (suite: string, opened: number, packets: number, head = 30) =>
    describePackets({ suite, opened, packets }, head);
  expect(say("gate", 10, 40)).toBe(
    "Gate examples: 30 of 40 packets that nobody outside has seen, enough for about 90 versions",
  );
  expect(say("gate", 1, 40, 0)).toBe(
    "Gate examples: 39 of 40 packets that nobody outside has seen", // a jury saw one, and no version came of it
  );
  expect(say("protected", 0, 1)).toBe(
    "Protected examples: 1 of 1 packet that nobody outside has seen",
  );
  expect(say("gate", 4, 4)).toBe(
    "Gate examples: all 4 packets were seen outside; the reserve is used again for every version",
  );
  expect(say("slanted-sevens", 0, 0)).toBe(
    "Suite slanted-sevens: one set, used again for every version",
  );
  expect(say("constructor", 0, 0)).toMatch(/^Suite constructor: /);
});
