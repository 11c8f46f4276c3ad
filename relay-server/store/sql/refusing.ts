import type { RejectCode } from "../../../core/protocol/reject-codes.ts";
import type { ContributionRow } from "../tables.ts";
import { addEvents } from "./events.ts";
import type { Writing } from "./group-commit.ts";
import { lifeOf, WAITING } from "./lives.ts";

/** Why work is refused: a code, and words for people. */
export type RefusalReason = { readonly code: RejectCode; readonly message: string };

/**
 * Refuse those of `ids` that wait, inside a transaction: their bytes go, and events tell of it. Returns their rows; what was
 * decided meanwhile is not among them and keeps its bytes.
 */
export async function refuseThose(
  trx: Writing,
  ids: readonly string[],
  { code, message }: RefusalReason,
  at: number,
): Promise<ContributionRow[]> {
  const rows = await trx
    .updateTable("contributions")
    .set({ state: "refused", reason_code: code, reason_message: message, updated_at: at })
    .where("id", "in", [...ids])
    .where("state", "in", [...WAITING])
    .returningAll()
    .execute();
  if (rows.length === 0) return rows;
  const refused = rows.map(({ id }) => id);
  await trx.deleteFrom("waiting_bytes").where("contribution", "in", refused).execute();
  addEvents(
    trx,
    rows.map((row) => ({ type: "contribution", data: { contribution: lifeOf(row) } })),
  );
  return rows;
}

/**
 * Refuse everything that waits of a contributor inside a transaction; `reasonOf` says why to each contribution.
 * Returns how many those were.
 */
export async function refuseAllWaiting(
  trx: Writing,
  contributor: string,
  reasonOf: (id: string) => RefusalReason,
  at: number,
): Promise<number> {
  const waiting = await trx
    .selectFrom("waiting_bytes")
    .innerJoin("contributions", "contributions.id", "waiting_bytes.contribution")
    .select("contributions.id")
    .where("contributor", "=", contributor)
    .where("state", "in", [...WAITING]) // the bytes of merged work may be there too
    .execute();
  for (const { id } of waiting) await refuseThose(trx, [id], reasonOf(id), at);
  return waiting.length;
}
