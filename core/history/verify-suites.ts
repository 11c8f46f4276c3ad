import { openSuiteFile } from "../gate/suite-file.ts";
import type { CallOptions } from "../protocol/http-call.ts";
import { GATE_SUITES, type VersionRecord } from "../protocol/schemas/version.ts";
import type { SuiteStanding } from "./act.ts";
import { faultAt, HistoryError } from "./history-fault.ts";
import type { HistorySource } from "./history-source.ts";
import type { VerifiedVersion } from "./version.ts";

/**
 * Verify that each contributed suite's file says what its act says, and that the versions of a verified `chain` were tested on
 * the suites in force (protocol U8). Throws a HistoryError at the first that does not hold.
 */
export async function verifySuites(
  source: HistorySource,
  chain: readonly VerifiedVersion[],
  suites: readonly SuiteStanding[],
  options: CallOptions,
): Promise<void> {
  const models = modelsOfSuites(chain[0]!.record); // a chain has version 0
  for (const suite of suites) await verifySuiteFile(source, suite, models, options);
  for (const { record } of chain) {
    const problem = suiteTestProblem(record, suites);
    if (problem !== null) throw new HistoryError("suite", record.number, problem);
  }
}

/** The models whose suites may be a model's: its own, and those that it was forked from. */
export function modelsOfSuites({
  model,
  lineage = [],
}: Pick<VersionRecord, "model" | "lineage">): string[] {
  return [model, ...lineage.map((ancestor) => ancestor.model)];
}

async function verifySuiteFile(
  source: HistorySource,
  { suite: id, name, contributor, marginNats, examples, setAside, since }: SuiteStanding,
  models: readonly string[],
  options: CallOptions,
): Promise<void> {
  const fail = (problem: string) =>
    new HistoryError("suite", null, `the suite ${name}: ${problem}`);
  let opened: ReturnType<typeof openSuiteFile>;
  try {
    opened = openSuiteFile(await source.blob(id, options));
  } catch (error) {
    throw faultAt(since, error);
  }
  const { header } = opened;
  if (!models.includes(header.model)) throw fail(`its file is of ${header.model}`);
  const said = [name, contributor, marginNats, examples];
  const found = [header.name, header.contributor, header.marginNats, opened.examples];
  const odd = said.findIndex((value, i) => value !== found[i]);
  if (odd !== -1) throw fail(`its file says ${found[odd]}, and the act ${said[odd]}`);
  const isAscending = setAside.every((row, i) => row > (setAside[i - 1] ?? -1) && row < examples);
  if (!isAscending || setAside.length >= examples)
    throw fail("rows are set aside that it does not have");
}

/** Why a version's tests are not those of the suites in force; null if they are. */
export function suiteTestProblem(
  { number, evaluation }: Pick<VersionRecord, "number" | "evaluation">,
  suites: readonly SuiteStanding[],
): string | null {
  if (evaluation.gate === null) return null;
  const tested = new Set(evaluation.gate.tests?.map(({ suite }) => suite));
  for (const { name, since, until } of suites) {
    // the candidate of the version right after an act may have been under way
    const isDue = number >= since + 2 && (until === null || number <= until);
    if (isDue && !tested.has(name)) return `it was not tested on the suite ${name}`;
  }
  for (const name of tested) {
    if (GATE_SUITES.some((own) => own === name)) continue;
    const suite = suites.find((each) => each.name === name);
    const isInForce =
      suite !== undefined &&
      number > suite.since &&
      (suite.until === null || number <= suite.until + 1);
    if (!isInForce) return `it was tested on ${name}, which was no suite in force`;
  }
  return null;
}
