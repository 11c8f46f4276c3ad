import type { Kysely, Transaction } from "kysely";
import { nextNumber } from "./events.ts";
import type { Write } from "./group-commit.ts";
import type { AuditRow, Tables } from "./tables.ts";

export type PauseChange = {
  readonly model: string;
  readonly paused: boolean;
  readonly maintainer: string;
  readonly at: number;
};

/** Add to the audit log inside the transaction that does what it says. */
export async function addAudit(
  trx: Transaction<Tables>,
  entry: Omit<AuditRow, "id">,
): Promise<void> {
  const id = await nextNumber(trx, "audit");
  await trx
    .insertInto("audit")
    .values({ id, ...entry })
    .execute();
}

export function maintainerParts(db: Kysely<Tables>, write: Write) {
  return {
    /** Give `name` a token by its hash; an earlier one of that name is void from then on. */
    putMaintainer(name: string, tokenHash: string, at: number): Promise<void> {
      return write(async (trx) => {
        await trx
          .insertInto("maintainers")
          .values({ name, token_hash: tokenHash, created_at: at })
          .onConflict((conflict) =>
            conflict.column("name").doUpdateSet({ token_hash: tokenHash, created_at: at }),
          )
          .execute();
      });
    },
    async hasMaintainers(): Promise<boolean> {
      return (await db.selectFrom("maintainers").select("name").executeTakeFirst()) !== undefined;
    },
    /** The name of the maintainer whose token has this hash. */
    maintainer(tokenHash: string): Promise<string | undefined> {
      return db
        .selectFrom("maintainers")
        .select("name")
        .where("token_hash", "=", tokenHash)
        .executeTakeFirst()
        .then((row) => row?.name);
    },
    /** Pause or resume a model and write who did it into the audit log, in one commit. */
    setPaused({ model, paused, maintainer, at }: PauseChange): Promise<void> {
      return write(async (trx) => {
        await trx
          .updateTable("models")
          .set({ paused: paused ? 1 : 0 })
          .where("id", "=", model)
          .execute();
        const action = paused ? "pause" : "resume";
        await addAudit(trx, { at, maintainer, action, subject: model, note: null });
      });
    },
    /** The audit log, newest first. */
    audit(limit: number): Promise<AuditRow[]> {
      return db.selectFrom("audit").selectAll().orderBy("id", "desc").limit(limit).execute();
    },
  };
}
