import type { Transaction } from "kysely";
import type { RejectCode } from "../../core/protocol/reject-codes.ts";
import { addEvents } from "./events.ts";
import { lifeOf, WAITING } from "./lives.ts";
import type { Tables } from "./tables.ts";

/**
 * Refuse everything that waits of a contributor inside a transaction; `messageOf` says why to each contribution.
 * Returns how many those were.
 */
export async function refuseAllWaiting(
  trx: Transaction<Tables>,
  contributor: string,
  code: RejectCode,
  messageOf: (id: string) => string,
  at: number,
): Promise<number> {
  const waiting = await trx
    .selectFrom("waiting_bytes")
    .innerJoin("contributions", "contributions.id", "waiting_bytes.contribution")
    .select("contributions.id")
    .where("contributor", "=", contributor)
    .where("state", "in", [...WAITING]) // the bytes of merged work may be there too
    .execute();
  for (const { id } of waiting) {
    const row = await trx
      .updateTable("contributions")
      .set({ state: "refused", reason_code: code, reason_message: messageOf(id), updated_at: at })
      .where("id", "=", id)
      .returningAll()
      .executeTakeFirstOrThrow();
    await trx.deleteFrom("waiting_bytes").where("contribution", "=", id).execute();
    await addEvents(trx, [{ type: "contribution", data: { contribution: lifeOf(row) } }]);
  }
  return waiting.length;
}
