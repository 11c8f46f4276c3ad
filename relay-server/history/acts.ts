import { assert } from "../../core/errors.ts";
import { actId, signAct } from "../../core/history/act.ts";
import { encodeCanonical, parseJson } from "../../core/protocol/canonical-json.ts";
import {
  type ActRecord,
  type Deed,
  type SignedAct,
  signedAct,
} from "../../core/protocol/schemas/act.ts";
import type { RelayContext } from "../context.ts";
import type { Acting } from "../store/sql/acts.ts";
import type { ActRow } from "../store/tables.ts";

/**
 * The next act of a model, signed; it counts once the ledger has entered it. With `before` it is the one after that act, which the
 * ledger has yet to enter.
 */
export async function nextAct(
  { history, identity, clock }: Pick<RelayContext, "history" | "identity" | "clock">,
  model: string,
  { deed, reason }: { readonly deed: Deed; readonly reason: string },
  before: ActRow | null = null,
): Promise<Pick<Acting, "act" | "head">> {
  const [acts, row] = await Promise.all([history.acts(model), history.model(model)]);
  assert(row !== undefined, `no model ${model}`);
  const last = before ?? acts.at(-1);
  const head = await history.version(model, row.head);
  assert(head !== undefined, `${model} has no version ${row.head}`);
  const record: ActRecord = {
    format: "commonweight.act/1",
    model,
    number: last === undefined ? 0 : Number(last.number) + 1,
    parent: last?.id ?? null,
    createdAt: clock(),
    relayKey: identity.publicKey,
    head: { number: head.number, id: head.id },
    reason,
    deed,
  };
  const signed = encodeCanonical(await signAct(record, identity.privateKey));
  const act = { model, number: record.number, id: await actId(record), signed };
  return { act, head: head.number };
}

/** An act as it was signed. */
export function decodeAct({ model, number, signed }: ActRow): SignedAct {
  return parseJson(`act ${number} of ${model}`, signedAct, signed);
}
