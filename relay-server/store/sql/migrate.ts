import { type Kysely, type QueryExecutorProvider, sql } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { parseValue } from "../../../core/protocol/canonical-json.ts";
import { recipe as recipeSchema } from "../../../core/protocol/schemas/recipe.ts";
import { StartError } from "../../start-error.ts";
import type { Tables } from "../tables.ts";
import { createFirstTables } from "./migrations/0001-first.ts";
import { addReverts } from "./migrations/0002-reverts.ts";
import { addTraining } from "./migrations/0003-training.ts";
import { addJudging } from "./migrations/0004-judging.ts";
import { addSpotChecks } from "./migrations/0005-spot-checks.ts";
import { addInsisting } from "./migrations/0006-insisting.ts";
import { addBans } from "./migrations/0007-bans.ts";
import { addLongHistories } from "./migrations/0008-long-histories.ts";
import { completeRecipe, completeRecipes } from "./migrations/0009-recipes.ts";
import { addPromotions } from "./migrations/0010-promotions.ts";
import { addOrderOfActs } from "./migrations/0011-order-of-acts.ts";
import { addCredits } from "./migrations/0012-credits.ts";
import { addActs } from "./migrations/0013-acts.ts";
import { addLeases } from "./migrations/0014-leases.ts";
import { addNames } from "./migrations/0015-names.ts";
import { addSuites } from "./migrations/0016-suites.ts";
import { addSaidOfModels } from "./migrations/0017-said-of-models.ts";
import { addUntagged } from "./migrations/0018-untagged.ts";
import { addJudges } from "./migrations/0019-judges.ts";
import { addNarrowKeyframes } from "./migrations/0020-narrow-keyframes.ts";
import { addProposals } from "./migrations/0021-proposals.ts";
import { addJurors } from "./migrations/0022-jurors.ts";
import { addMadeBy } from "./migrations/0023-made-by.ts";
import { addShownPackets } from "./migrations/0024-shown-packets.ts";
import { addRefusedOf } from "./migrations/0025-refused-of.ts";

/** By name, in whose order they run; the names of released ones stay, and so does what they do. */
const MIGRATIONS: Readonly<Record<string, (db: QueryExecutorProvider) => Promise<void>>> = {
  "0001-first": createFirstTables,
  "0002-reverts": addReverts,
  "0003-training": addTraining,
  "0004-judging": addJudging,
  "0005-spot-checks": addSpotChecks,
  "0006-insisting": addInsisting,
  "0007-bans": addBans,
  "0008-long-histories": addLongHistories,
  "0009-recipes": completeRecipes,
  "0010-promotions": addPromotions,
  "0011-order-of-acts": addOrderOfActs,
  "0012-credits": addCredits,
  "0013-acts": addActs,
  "0014-leases": addLeases,
  "0015-names": addNames,
  "0016-suites": addSuites,
  "0017-said-of-models": addSaidOfModels,
  "0018-untagged": addUntagged,
  "0019-judges": addJudges,
  "0020-narrow-keyframes": addNarrowKeyframes,
  "0021-proposals": addProposals,
  "0022-jurors": addJurors,
  "0023-made-by": addMadeBy,
  "0024-shown-packets": addShownPackets,
  "0025-refused-of": addRefusedOf,
};

const NUMBERED = 8; // migrations that ledgers from before the migrator have by number, in `schema_versions`
const NOT_BY_NUMBER = 1000; // what stands there since: software that knows numbers alone refuses the ledger as newer

/**
 * Bring the ledger's schema and recipes up to date, all of it in one transaction. A StartError, with nothing changed, if
 * newer software wrote the ledger or a recipe cannot be brought up to date.
 */
export async function migrate(db: Kysely<Tables>): Promise<void> {
  const done = await migrationsDone(db);
  const newer = done.find((name) => !Object.hasOwn(MIGRATIONS, name));
  if (newer !== undefined) {
    throw new StartError(
      `The data folder was written by a newer version of Commonweight (its ledger has "${newer}"): update the software, or choose another DATA_DIR.`,
    );
  }
  if (done.length === Object.keys(MIGRATIONS).length) return;
  if (done.length > 0) await checkRecipes(db);
  await adoptNumbered(db, done);
  const migrations: Record<string, Migration> = {};
  for (const [name, up] of Object.entries(MIGRATIONS)) migrations[name] = { up };
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

/** Whether this very software's migrations were carried out, and none else. */
export async function isUpToDate(db: Kysely<Tables>): Promise<boolean> {
  return (await migrationsDone(db)).sort().join() === Object.keys(MIGRATIONS).sort().join();
}

/** The names of what was carried out, also by software that only numbered it. */
async function migrationsDone(db: Kysely<Tables>): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  const has = (name: string) => tables.some((table) => table.name === name);
  if (has("kysely_migration")) {
    const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db);
    return rows.map(({ name }) => name);
  }
  if (!has("schema_versions")) return [];
  const { rows } = await sql<{ number: number }>`
    select number from schema_versions order by number`.execute(db);
  const names = Object.keys(MIGRATIONS).slice(0, NUMBERED);
  return rows.map(({ number }) => names[number - 1] ?? `schema ${number}`);
}

/** Every recipe must be one that this software can serve, once it is complete. */
async function checkRecipes(db: Kysely<Tables>): Promise<void> {
  for (const { id, recipe } of await db.selectFrom("models").select(["id", "recipe"]).execute()) {
    try {
      parseValue("recipe", recipeSchema, completeRecipe(JSON.parse(recipe)));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new StartError(
        `This version of Commonweight cannot serve ${id} of an earlier one (${reason}), and has changed nothing: use the software that wrote the data folder, or choose another DATA_DIR.`,
      );
    }
  }
}

/** Tell the migrator, in one transaction, what numbered migrations a ledger has. */
async function adoptNumbered(db: Kysely<Tables>, done: readonly string[]): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await sql`create table if not exists kysely_migration (
      name varchar(255) not null primary key, timestamp varchar(255) not null)`.execute(trx);
    await sql`create table if not exists schema_versions (number integer primary key)`.execute(trx);
    await sql`insert into schema_versions (number) values (${NOT_BY_NUMBER}) on conflict do nothing`.execute(
      trx,
    );
    for (const name of done) {
      await sql`insert into kysely_migration (name, timestamp) values (${name}, ${new Date(0).toISOString()})
        on conflict do nothing`.execute(trx);
    }
  });
}
