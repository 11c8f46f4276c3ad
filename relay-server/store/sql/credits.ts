import { sql, type Transaction } from "kysely";
import type { Tables } from "../tables.ts";

/** What a contributor's merged work of one model comes to. */
export type Earned = {
  readonly model: string;
  readonly contributor: string;
  readonly credit: number;
  readonly at: number;
};

/** Add a merged contribution to its contributor's credit, inside the transaction that merges it. */
export async function addCredit(
  trx: Transaction<Tables>,
  { model, contributor, credit, at }: Earned,
): Promise<void> {
  await trx
    .insertInto("credits")
    .values({ model, contributor, credit, merged: 1, last_merged_at: at })
    .onConflict((conflict) =>
      conflict.columns(["model", "contributor"]).doUpdateSet((eb) => ({
        credit: eb("credits.credit", "+", credit),
        merged: eb("credits.merged", "+", 1),
        last_merged_at: at,
      })),
    )
    .execute();
}

/** Add up a contributor's credit anew, inside the transaction that reverts some of their work. */
export async function recountCredit(
  trx: Transaction<Tables>,
  model: string,
  contributor: string,
): Promise<void> {
  const credits = trx.deleteFrom("credits").where("model", "=", model);
  await credits.where("contributor", "=", contributor).execute();
  await sql`
    insert into credits (model, contributor, credit, merged, last_merged_at)
    select model, contributor, sum(credit), count(*), max(updated_at) from contributions
    where model = ${model} and contributor = ${contributor} and state = 'merged'
    group by model, contributor`.execute(trx);
}
