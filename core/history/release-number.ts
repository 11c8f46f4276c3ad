import { assert } from "../errors.ts";
import type { SuiteTest, VersionRecord } from "../protocol/schemas/version.ts";

/** Which of a semantic version's numbers a release raises, and what that promises (protocol R2). */
export type ReleaseStep = "first" | "patch" | "minor" | "major";

/** A release of a model: the version that it names, as its record says. */
export type ReleasedRecord = { readonly tag: string; readonly record: VersionRecord };

export type ReleaseEvidence = {
  /** The least that the release's number must promise: what is proposed. */
  readonly step: ReleaseStep;
  /** The number that is proposed. */
  readonly proposed: string;
  /** The tests against the last release that the version passed before it was published. */
  readonly tests: readonly SuiteTest[];
  /** Suites that the version was tested on and the last release was not. */
  readonly newSuites: readonly string[];
};

type Numbers = readonly [major: number, minor: number, patch: number];

/**
 * What the public record says of `record` as the release after `last` (null: as the first). Within the margins of every
 * suite it is a patch; with a suite that the last release was not tested on, a minor release. What was never tested against the last
 * release is a major one.
 */
export function releaseEvidence(
  record: VersionRecord,
  last: ReleasedRecord | null,
): ReleaseEvidence {
  if (last === null) return { step: "first", proposed: "1.0.0", tests: [], newSuites: [] };
  const all = record.evaluation.gate?.tests ?? [];
  const suites = new Set(all.map(({ suite }) => suite));
  const tests = all.filter(({ version }) => version === last.record.number);
  const tested = new Set(tests.map(({ suite }) => suite));
  const isSame = record.number === last.record.number;
  const isWithin = isSame || (suites.size > 0 && tested.size === suites.size);
  const before = new Set(last.record.evaluation.gate?.tests?.map(({ suite }) => suite) ?? suites);
  const newSuites = isSame ? [] : [...suites].filter((suite) => !before.has(suite));
  const compatible = newSuites.length === 0 ? "patch" : "minor";
  const step = isWithin ? compatible : "major";
  return { step, proposed: raised(last.tag, step), tests, newSuites };
}

/**
 * Why a version with `evidence` cannot be `tag` after the release `last`; null if it can. A number may promise less than it
 * could. Whether `tag` is taken or too low is not looked at.
 */
export function tagObjection(
  tag: string,
  last: string | null,
  { step, proposed }: Pick<ReleaseEvidence, "step" | "proposed">,
): string | null {
  if (last === null || step !== "major" || compareTags(tag, last) <= 0) return null;
  const [before] = numbersOf(last);
  const [after] = numbersOf(tag);
  if (after > before) return null;
  return `nothing shows that it is as good as ${last}: its own gate did not compare it with that. It can be ${proposed}`;
}

/** Negative where the semantic version `a` is lower than `b`, 0 where they are the same. */
export function compareTags(a: string, b: string): number {
  const other = numbersOf(b);
  const differences = numbersOf(a).map((number, i) => number - other[i]!);
  return differences.find((difference) => difference !== 0) ?? 0;
}

function raised(tag: string, step: Exclude<ReleaseStep, "first">): string {
  const [major, minor, patch] = numbersOf(tag);
  if (step === "major") return `${major + 1}.0.0`;
  return step === "minor" ? `${major}.${minor + 1}.0` : `${major}.${minor}.${patch + 1}`;
}

function numbersOf(tag: string): Numbers {
  const [major, minor, patch] = tag.split(".").map(Number);
  assert(major !== undefined && minor !== undefined && patch !== undefined, `no tag: ${tag}`);
  return [major, minor, patch];
}
