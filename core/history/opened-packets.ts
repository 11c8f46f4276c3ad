import type {
  OpenedPackets,
  SealedSuite,
  SuiteTest,
  VersionRecord,
} from "../protocol/schemas/version.ts";

/**
 * What a record says wrongly of its packets (protocol V12); null if nothing. `zero` is version 0's record, `parent` null for
 * version 0 itself. The tests of a gate begin with packets that no gate has seen while there are any, and open them in order.
 */
export function packetFault(
  record: VersionRecord,
  parent: VersionRecord | null,
  zero: VersionRecord,
): string | null {
  const suites = zero.suites;
  if (suites === undefined) {
    return record.packets === undefined ? null : "it opens packets, and version 0 promised none";
  }
  if (parent !== null && record.suites !== undefined) return "it promises suites anew";
  if (new Set(suites.map(({ suite }) => suite)).size < suites.length) return "a suite twice";
  const { packets } = record;
  if (packets === undefined) return "it does not say which packets are open";
  for (const sealed of suites) {
    const fault = suiteFault(record, sealed, {
      before: parent?.packets?.[sealed.suite] ?? 0,
      after: packets[sealed.suite],
    });
    if (fault !== null) return `${sealed.suite} suite: ${fault}`;
  }
  return null;
}

function suiteFault(
  { number, evaluation, merge }: VersionRecord,
  { suite, packets, packetExamples }: SealedSuite,
  { before, after }: { readonly before: number; readonly after: number | undefined },
): string | null {
  if (after === undefined) return "it does not say which packets are open";
  if (number === 0) return after === 0 ? null : "packets are open before any gate";
  if (after < before || after > packets.length) {
    return `${after} packets are open, ${before} were, and there are ${packets.length}`;
  }
  const tests = (evaluation.gate?.tests ?? []).filter((test) => test.suite === suite);
  if (tests.length === 0) {
    if (merge && suite === "gate") return "it merges, and was not tested";
    return after === before ? null : "packets were opened without a test";
  }
  if (tests.some((test) => test.version >= number))
    return "it was tested against no earlier version";
  if (tests.some(({ against, version }) => against === "parent" && version !== number - 1)) {
    return "it was tested against another parent";
  }
  if (before < packets.length && after === before) return "it was tested on nothing fresh";
  const fresh = tests.filter(isRecomputable);
  if (fresh.length < tests.length && after < packets.length) {
    return "it was tested on the reserve while packets were sealed";
  }
  if (fresh.some(({ examples }) => examples > (after - before) * packetExamples)) {
    return "it was tested on more fresh examples than it opens";
  }
  if (
    fresh.some(({ marginNats, clipNats }) => marginNats === undefined || clipNats === undefined)
  ) {
    return "a fresh test does not say its margin";
  }
  return null;
}

/** What a version and its parent say is open; undefined where a history promised no packets. */
type Opening = {
  readonly before: OpenedPackets | undefined;
  readonly after: OpenedPackets | undefined;
};

/** Whether all that a test saw was fresh, so that everybody can see the same. */
export const isRecomputable = ({ examplesWere }: SuiteTest): boolean => examplesWere === "fresh";

/**
 * The hashes of those that its fresh tests saw: the last, since what juries have seen in vain is opened before them (protocol G24).
 * None where the tests saw the reserve: the record does not say how many packets they saw besides.
 */
export function testedPackets(
  sealed: SealedSuite,
  opening: Opening,
  tests: readonly SuiteTest[],
): readonly string[] {
  const most = Math.max(0, ...tests.filter(isRecomputable).map(({ examples }) => examples));
  const packets = Math.ceil(most / sealed.packetExamples);
  const opened = newlyOpened(sealed, opening);
  return opened.slice(Math.max(0, opened.length - packets));
}

/** The hashes of a suite's packets that a version opens, in order. */
export function newlyOpened(
  { suite, packets }: SealedSuite,
  { before, after }: Opening,
): readonly string[] {
  return packets.slice(before?.[suite] ?? 0, after?.[suite] ?? 0);
}
