import { type Kysely, SqliteAdapter, sql, type Transaction } from "kysely";
import type { Tables } from "../tables.ts";
import type { Write } from "./group-commit.ts";

/** What the relay that publishes a model says of it. */
export type SaidOfModel = {
  /** Why nothing is merged, in plain words; null where nothing is wrong. */
  readonly problem: string | null;
  /** Seconds that judging a contribution takes; null before one was judged. */
  readonly scoreSeconds: number | null;
};

/** Who holds leases, for how long from now on, of which models, and what it says of those that it holds. */
export type LeaseHolder = {
  readonly holder: string;
  readonly lengthMs: number;
  readonly models: readonly string[];
  readonly said: ReadonlyMap<string, SaidOfModel>;
};

/** A model's lease: the fence of whoever asks, null where it is another's; and what its holder said last. */
export type Lease = SaidOfModel & { readonly fence: number | null };

export function leaseParts(db: Kysely<Tables>, write: Write) {
  const isSqlite = db.getExecutor().adapter instanceof SqliteAdapter;
  return {
    /**
     * Hold each of these models that nobody else holds, or go on holding it. Returns their leases: a model's fence rises
     * when another relay comes to hold it, and what the earlier one publishes is refused from then on.
     */
    holdLeases({ holder, lengthMs, models, said }: LeaseHolder): Promise<Map<string, Lease>> {
      return write(async (trx) => {
        const now = await clockOf(trx, isSqlite);
        const rows = await trx
          .selectFrom("models")
          .leftJoin("leases", "leases.model", "models.id")
          .select(["id", "fence", "holder", "expires_at", "problem", "score_seconds"])
          .where("id", "in", [...models])
          .execute();
        const leases = new Map<string, Lease>();
        for (const { id, fence, holder: earlier, expires_at, ...last } of rows) {
          if (earlier !== holder && Number(expires_at ?? now) > now) {
            const { problem, score_seconds: scoreSeconds } = last;
            leases.set(id, { fence: null, problem, scoreSeconds });
            continue;
          }
          const { problem, scoreSeconds } = said.get(id) ?? {
            problem: null,
            scoreSeconds: last.score_seconds,
          };
          const row = {
            model: id,
            holder,
            expires_at: now + lengthMs,
            problem,
            score_seconds: scoreSeconds,
          };
          await trx
            .insertInto("leases")
            .values(row)
            .onConflict((conflict) => conflict.column("model").doUpdateSet(row))
            .execute();
          const own = earlier === holder ? fence : await raiseFence(trx, id);
          leases.set(id, { fence: own, problem, scoreSeconds });
        }
        return leases;
      });
    },
    /** Let another relay hold what `holder` holds, at once. */
    releaseLeases(holder: string): Promise<void> {
      return write(async (trx) => {
        await trx.deleteFrom("leases").where("holder", "=", holder).execute();
      });
    },
  };
}

/** The database's clock in ms since 1970: relays on several machines go by one clock. */
async function clockOf(trx: Transaction<Tables>, isSqlite: boolean): Promise<number> {
  const now = isSqlite
    ? sql<number>`cast(unixepoch('subsec') * 1000 as integer)`
    : sql<number>`cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`;
  const { rows } = await sql<{ now: number }>`select ${now} as now`.execute(trx);
  return Number(rows[0]?.now);
}

async function raiseFence(trx: Transaction<Tables>, model: string): Promise<number> {
  const { fence } = await trx
    .updateTable("models")
    .set((eb) => ({ fence: eb("fence", "+", 1) }))
    .where("id", "=", model)
    .returning("fence")
    .executeTakeFirstOrThrow();
  return fence;
}
