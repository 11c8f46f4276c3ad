import { assert } from "../../core/errors.ts";
import type { ContributedSuite } from "../../core/gate/judge.ts";
import type { OpenedSuite } from "../../core/gate/suite-file.ts";
import { validateSuite } from "../../core/gate/suite-rules.ts";
import { encodeCanonical } from "../../core/protocol/canonical-json.ts";
import type { Verdict } from "../../core/protocol/reject-codes.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import { type SuiteEntry, suiteLifeOf } from "../store/sql/suites.ts";
import type { HistoryStore } from "../store/store.ts";
import type { SuiteRow } from "../store/tables.ts";

/** A contributed suite that the gate tests on. */
export type ServedSuite = ContributedSuite & {
  /** Rows of its file that are not used. */
  readonly setAside: readonly number[];
};

/** The suites that a model's candidates must pass now, in the order of their acceptance. */
export async function suitesInForce(
  history: Pick<HistoryStore, "suitesInForce">,
  model: string,
): Promise<ServedSuite[]> {
  return (await history.suitesInForce(model)).map(servedSuiteOf);
}

/** A suite as it is proposed to `model` and waits to be looked at: its file, whose examples were counted, and that signed. */
export function proposedSuite(
  model: string,
  { header }: OpenedSuite,
  file: Pick<SuiteRow, "id" | "signature" | "examples" | "proposed_at"> & {
    readonly bytes: Uint8Array;
  },
): SuiteRow {
  const { name, contributor } = header;
  return {
    ...file,
    model,
    name,
    contributor,
    header: new TextDecoder().decode(encodeCanonical(header)),
    size_bytes: file.bytes.length,
    state: "received",
    message: null,
    findings: null,
    decided_at: null,
    act: null,
    stopped: 0,
  };
}

/** Whether a suite that was looked at can show its margin by `recipe` (protocol U2). */
export function suiteFits(row: SuiteEntry, recipe: Recipe): Verdict {
  return validateSuite(suiteLifeOf(row).header, servedSuiteOf(row).examples, recipe);
}

function servedSuiteOf(row: SuiteEntry): ServedSuite {
  const { id, header, examples, findings } = suiteLifeOf(row);
  assert(findings !== null, `the suite ${id} was accepted before anybody looked at it`);
  const { name, marginNats } = header;
  const { setAside } = findings;
  return { id, name, marginNats, examples: examples - setAside.length, setAside };
}
