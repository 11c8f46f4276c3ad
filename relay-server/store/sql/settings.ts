import type { Kysely } from "kysely";
import type { Tables } from "../tables.ts";
import type { Write } from "./group-commit.ts";

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
    putSetting(name: string, value: string): Promise<void> {
      return write(async (trx) => {
        await trx
          .insertInto("settings")
          .values({ name, value })
          .onConflict((conflict) => conflict.column("name").doUpdateSet({ value }))
          .execute();
      });
    },
  };
}
