import { verifyId } from "../../core/crypto/signature.ts";
import { openSuiteFile, suiteExamples } from "../../core/gate/suite-file.ts";
import { validateSuite } from "../../core/gate/suite-rules.ts";
import { type RejectCode, refuse, type Verdict } from "../../core/protocol/reject-codes.ts";
import type { SuiteLife } from "../../core/protocol/schemas/suite.ts";
import type { RelayContext } from "../context.ts";
import { proposedSuite } from "../history/suites.ts";
import { suiteLifeOf } from "../store/sql/suites.ts";

/** A suite's file as it came, its hash checked against its address. */
export type SuiteDelivery = {
  readonly id: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly signature: string;
};

export type SuiteReceipt =
  | { readonly kind: "created" | "known"; readonly life: SuiteLife }
  | { readonly kind: "refused"; readonly code: RejectCode; readonly message: string };

const WORDS = {
  "suite-taken": "another suite of this model has that name, and a name is one suite's for ever",
  "suites-full": "as many suites as can wait are waiting: a maintainer decides about them first",
} as const;

/**
 * Keep a proposed suite until it is decided about (protocol U2), from the cheap rule to the dear one. Idempotent by id;
 * broken bytes are a FormatError. It counts for nobody's key: whoever sends it need not be its contributor, whose signature is public
 * once it is accepted. What takes time is looked at later (U3, U4).
 */
export async function takeSuite(
  context: Pick<RelayContext, "history" | "people" | "models" | "clock">,
  { id, bytes, signature }: SuiteDelivery,
): Promise<SuiteReceipt> {
  const { history, people, models, clock } = context;
  const opened = openSuiteFile(bytes);
  const { header } = opened;
  const { model, contributor } = header;
  if (!(await verifyId("suite", id, signature, contributor))) {
    return refusal(refuse("signature-invalid", "this suite is not signed by its contributor"));
  }
  const ban = await people.banReason(contributor);
  if (ban !== undefined) return refusal(refuse("banned", ban));
  const served = models.get(model);
  const row = served && (await history.model(model));
  if (served === undefined || row === undefined) {
    return refusal(refuse("model-unknown", "this relay has no model of that name"));
  }
  if (row.retired !== null) {
    return refusal(refuse("retired", `a maintainer retired ${model}: ${row.retired}`));
  }
  const { count } = suiteExamples(opened, served.recipe.architecture);
  const verdict = validateSuite(header, count, served.recipe);
  if (!verdict.ok) return refusal(verdict);
  const file = { id, bytes, signature, examples: count, proposed_at: clock() };
  const outcome = await history.proposeSuite(proposedSuite(model, opened, file));
  if (outcome.kind === "refused") return { ...outcome, message: WORDS[outcome.code] };
  return { kind: outcome.kind, life: suiteLifeOf(outcome.row) };
}

function refusal({ code, message }: Verdict & { ok: false }): SuiteReceipt {
  return { kind: "refused", code, message };
}
