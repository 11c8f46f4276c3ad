import { sha256, verifyId } from "../../core/crypto/signature.ts";
import { FormatError } from "../../core/errors.ts";
import { openSuiteFile, suiteExamples } from "../../core/gate/suite-file.ts";
import { validateSuite } from "../../core/gate/suite-rules.ts";
import { decodeUpstream, lineageProblem } from "../../core/history/lineage.ts";
import { modelsOfSuites } from "../../core/history/verify-suites.ts";
import type { ModelSource, SignedSuite } from "../../core/models/model-source.ts";
import { encodeCanonical } from "../../core/protocol/canonical-json.ts";
import type { Mask } from "../../core/protocol/schemas/mask.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import type { Ancestor } from "../../core/protocol/schemas/version.ts";
import type { SuiteRow } from "../store/tables.ts";
import { proposedSuite } from "./suites.ts";

/** What an import keeps of the version that a fork began as. */
export type Fork = {
  readonly lineage: readonly Ancestor[];
  /** The version's record, for everybody to read. */
  readonly record: Uint8Array<ArrayBuffer>;
  readonly mask: Mask;
  /** They wait to be looked at, as suites do that somebody proposes. */
  readonly suites: readonly SuiteRow[];
};

/**
 * The fork in `source`, for a relay with that key and a version 0 with that checkpoint, imported `at` that time; null where it is none (protocol R9).
 * Throws a FormatError that names what does not hold.
 */
export async function readFork(
  { recipe, upstream }: ModelSource,
  {
    relayKey,
    checkpoint,
    at,
  }: { readonly relayKey: string; readonly checkpoint: string; readonly at: number },
): Promise<Fork | null> {
  if (upstream === undefined) return null;
  const { lineage, record: bytes, suites } = await upstream();
  const [first] = lineage;
  if (first === undefined) throw new FormatError(`${recipe.id}: a fork without an upstream`);
  const problem = await lineageProblem(lineage, { relayKey, model: recipe.id });
  if (problem !== null) throw new FormatError(`lineage of ${recipe.id}: ${problem}`);
  const record = await decodeUpstream(bytes, first, checkpoint);
  const models = modelsOfSuites({ model: recipe.id, lineage: [...lineage] });
  return {
    lineage,
    record: encodeCanonical(record),
    mask: record.mask,
    suites: await Promise.all(suites.map((suite) => readSuite(suite, recipe, { models, at }))),
  };
}

/** A suite of an ancestor's, as a proposal to this model (protocol U2). */
async function readSuite(
  { bytes, signature }: SignedSuite,
  recipe: Recipe,
  { models, at }: { readonly models: readonly string[]; readonly at: number },
): Promise<SuiteRow> {
  const id = await sha256(bytes);
  const opened = openSuiteFile(bytes);
  const { header } = opened;
  const fail = (what: string) => new FormatError(`the suite ${header.name}: ${what}`);
  if (!models.includes(header.model)) throw fail(`it is of ${header.model}`);
  if (!(await verifyId("suite", id, signature, header.contributor))) {
    throw fail(`it is not signed by ${header.contributor}`);
  }
  const { count } = suiteExamples(opened, recipe.architecture);
  const verdict = validateSuite(header, count, recipe);
  if (!verdict.ok) throw fail(verdict.message);
  return proposedSuite(recipe.id, opened, {
    id,
    bytes,
    signature,
    examples: count,
    proposed_at: at,
  });
}
