import type { GateTest, ModelHealth } from "../../core/protocol/schemas/status.ts";
import type { FlipCount, SuiteTest } from "../../core/protocol/schemas/version.ts";
import { formatCount, formatLossChange, formatShare, plural } from "./quantities.ts";

/** How a test ended. */
export const DECISIONS: Record<SuiteTest["decision"], string> = {
  pass: "passed",
  fail: "failed",
  undecided: "undecided",
};

/** How a candidate ended that had to pass every test. */
export const OUTCOMES: Record<SuiteTest["decision"], string> = {
  pass: "passed",
  fail: "failed",
  undecided: "undecided, so not published",
};

/** A candidate and how it ended. `published` is the version that a maintainer insisted on all the same, if any. */
export function describeCandidate(
  { contributions, head, decision }: GateTest,
  published: number | null,
): string {
  if (contributions > 0) {
    return `${plural(contributions, "patch", "patches")} on version ${head}: ${OUTCOMES[decision]}`;
  }
  const what = `A revert, on version ${head}`; // it takes patches out, and merges none
  if (decision === "pass") return `${what}: passed`;
  if (published === null) return `${what}: ${OUTCOMES[decision]}`;
  return `${what}: did not pass (${DECISIONS[decision]}); published as version ${published}, because a maintainer insisted`;
}

const ROLES: Readonly<Record<SuiteTest["against"], string>> = {
  parent: "its parent",
  release: "the release",
  best: "the best since the release",
};

/** The relay's own suites; a Map, because the name of any other is a stranger's. */
const OWN_SUITES = new Map([
  ["gate", "Gate examples"],
  ["protected", "Protected examples"],
]);
const suiteWords = (suite: string): string => OWN_SUITES.get(suite) ?? `Suite ${suite}`;

/** On which examples a test was, against which version: "Gate examples, against version 41 (its parent)". */
export function nameTest({ suite, against, version }: SuiteTest): string {
  return `${suiteWords(suite)}, against version ${version} (${ROLES[against]})`;
}

/** What a test looked at and found: "320 examples, loss −0.0012 on average". */
export function describeLook({ examples, meanDifferenceNats }: SuiteTest): string {
  return `${plural(examples, "example")}, loss ${formatLossChange(meanDifferenceNats)} on average`;
}

/** How much of what a decision needs was found: "57% of the proof it needs"; `test` has the figures on the ln scale. */
export function describeEvidence(test: SuiteTest): string {
  return `${Math.round(evidenceShare(test) * 100)}% of the proof it needs`;
}

/** How far a test's evidence is on its way to `passAt`, 0…1; evidence to the contrary is 0. */
export function evidenceShare({ logEvidence, passAt }: SuiteTest): number {
  return Math.min(1, Math.max(0, logEvidence / passAt));
}

/** What the release had right and the candidate has wrong, and how much of that is allowed. */
export function describeFlips({ version, flips, rightBefore, budget }: FlipCount): string {
  const allowed = `at most ${formatShare(budget)} may be (${formatCount(Math.floor(budget * rightBefore))})`;
  return `Of ${plural(rightBefore, "answer")} that version ${version}, the release, had right, ${formatCount(flips)} ${flips === 1 ? "is" : "are"} wrong now; ${allowed}.`;
}

/**
 * What is left of a suite's packets, some of which a jury may have seen in vain: "Gate examples: 12 of 40 packets that nobody
 * outside has seen, enough for about 9 versions".
 */
export function describePackets(
  { suite, opened, packets }: ModelHealth["packets"][number],
  head: number,
): string {
  const name = suiteWords(suite);
  if (packets === 0) return `${name}: one set, used again for every version`;
  const left = packets - opened;
  if (left === 0)
    return `${name}: all ${packets} packets were seen outside; the reserve is used again for every version`;
  const fresh = `${name}: ${formatCount(left)} of ${plural(packets, "packet")} that nobody outside has seen`;
  if (opened === 0 || head === 0) return fresh; // how many a version takes is not known yet
  return `${fresh}, enough for about ${plural(Math.floor((left * head) / opened), "version")}`;
}
