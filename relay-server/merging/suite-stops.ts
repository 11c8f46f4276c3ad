import type { CohortOutcome } from "../../core/gate/cohort.ts";
import type { ContributedSuite } from "../../core/gate/judge.ts";
import type { SuiteTest } from "../../core/protocol/schemas/version.ts";
import { type SuiteEntry, suiteLifeOf } from "../store/sql/suites.ts";
import type { WaitingMember } from "./member.ts";

/** A contributed suite, and how it kept a contribution out. */
export type SuiteStop = { readonly suite: ContributedSuite; readonly test: SuiteTest };

const MOST_REASON = 240; // characters: a refusal has at most 600
const SHORT_KEY = 12;

/** Which of `members`, by id, the last test with them in it kept out for a contributed suite alone. */
export function stoppedBySuites(
  members: readonly WaitingMember[],
  { tested }: CohortOutcome<WaitingMember>,
  suites: readonly ContributedSuite[],
): Map<string, SuiteStop> {
  const stops = new Map<string, SuiteStop>();
  for (const member of members) {
    const last = tested.findLast(({ candidate }) => candidate.members.includes(member));
    // the gate ends at the first suite that is not passed
    const test = last?.verdict.tests.find(({ decision }) => decision !== "pass");
    const suite = suites.find(({ name }) => name === test?.suite);
    if (test !== undefined && suite !== undefined) stops.set(member.id, { suite, test });
  }
  return stops;
}

/** What the sender of a contribution reads that a suite kept out (protocol U7). */
export function stopWords({ suite, test }: SuiteStop, entry: SuiteEntry | undefined): string {
  const { name, marginNats } = suite;
  const nats = test.meanDifferenceNats.toFixed(3);
  const earlier =
    test.against === "release" ? `the release, version ${test.version}` : "the version before";
  const found =
    test.decision === "fail"
      ? `a model with it is worse than ${earlier} by ${nats} nats an example on the suite "${name}", and ${marginNats} is allowed`
      : `on the suite "${name}" a model with it was not shown to be within ${marginNats} nats of ${earlier}`;
  if (entry === undefined) return found;
  const { contributor, reason } = suiteLifeOf(entry).header;
  const why = reason.length > MOST_REASON ? `${reason.slice(0, MOST_REASON)}…` : reason;
  return `${found}; ${contributor.slice(0, SHORT_KEY)} contributed it: “${why}”`;
}
