import type { Kysely, Transaction } from "kysely";
import type { AuditRow, MaintainerRow, Tables } from "../tables.ts";
import { nextNumber } from "./event-rows.ts";
import type { Write } from "./group-commit.ts";

/** Who does something to the maintainers, and when. */
type Doing = { readonly by: string; readonly at: number };

/** Add to the audit log inside the transaction that does what it says; returns the entry's number, higher than all before. */
export async function addAudit(
  trx: Transaction<Tables>,
  entry: Omit<AuditRow, "id">,
): Promise<number> {
  const id = await nextNumber(trx, "audit");
  await trx
    .insertInto("audit")
    .values({ id, ...entry })
    .execute();
  return id;
}

export function maintainerParts(db: Kysely<Tables>, write: Write) {
  return {
    /**
     * Give `name` a token by its hash; an earlier one of that name is void from then on. The audit log says who did it, if it
     * was somebody.
     */
    putMaintainer(
      name: string,
      tokenHash: string,
      { by, at }: { readonly by: string | null; readonly at: number },
    ): Promise<void> {
      return write(async (trx) => {
        if (by !== null) {
          await addAudit(trx, { at, maintainer: by, action: "token", subject: name, note: null });
        }
        await trx
          .insertInto("maintainers")
          .values({ name, token_hash: tokenHash, created_at: at })
          .onConflict((conflict) =>
            conflict.column("name").doUpdateSet({ token_hash: tokenHash, created_at: at }),
          )
          .execute();
      });
    },
    /** Make a maintainer's token void, and write into the audit log who did it; false if there is none of that name. */
    revokeMaintainer(name: string, { by, at }: Doing): Promise<boolean> {
      return write(async (trx) => {
        const revoked = await trx
          .deleteFrom("maintainers")
          .where("name", "=", name)
          .returning("name")
          .executeTakeFirst();
        if (revoked === undefined) return false;
        const action = "token-revoked";
        await addAudit(trx, { at, maintainer: by, action, subject: name, note: null });
        return true;
      });
    },
    /** Who has a token, and since when. */
    maintainers(): Promise<Pick<MaintainerRow, "name" | "created_at">[]> {
      return db.selectFrom("maintainers").select(["name", "created_at"]).orderBy("name").execute();
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
    /** The audit log, newest first. */
    audit(limit: number): Promise<AuditRow[]> {
      return db.selectFrom("audit").selectAll().orderBy("id", "desc").limit(limit).execute();
    },
  };
}
