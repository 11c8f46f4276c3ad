import type { Kysely, Transaction } from "kysely";
import type { SettingRow, Tables } from "../tables.ts";
import type { Write } from "./group-commit.ts";
import { addAudit } from "./maintainers.ts";

export function settingParts(db: Kysely<Tables>, write: Write) {
  return {
    /** What the relay has to remember for itself under `name`: its key, the secret of its seeds. */
    setting(name: string): Promise<string | undefined> {
      return db
        .selectFrom("settings")
        .select("value")
        .where("name", "=", name)
        .executeTakeFirst()
        .then((row) => row?.value);
    },
    /** The same where a maintainer did it: in one commit with the audit log. */
    putSettingBy(
      { name, value }: SettingRow,
      by: { maintainer: string; at: number; action: string; reason: string },
    ): Promise<void> {
      return write(async (trx) => {
        await put(trx, { name, value });
        const { maintainer, at, action, reason: note } = by;
        await addAudit(trx, { at, maintainer, action, subject: name, note });
      });
    },
    putSetting(name: string, value: string): Promise<void> {
      return write((trx) => put(trx, { name, value }));
    },
  };
}

async function put(trx: Transaction<Tables>, { name, value }: SettingRow): Promise<void> {
  await trx
    .insertInto("settings")
    .values({ name, value })
    .onConflict((conflict) => conflict.column("name").doUpdateSet({ value }))
    .execute();
}
