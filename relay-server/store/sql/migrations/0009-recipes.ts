import { type QueryExecutorProvider, sql } from "kysely";

/** Recipes from before the screen: everything is scored and nothing is trained by the relay, as it was then. */
const SCORE_BEFORE_SCREEN = {
  references: 0,
  leastZ: 0,
  leastShare: 0,
  sampleShare: 1,
  spotCheckShare: 0,
};

/** A recipe of any earlier time with the fields that its software took for granted. */
export function completeRecipe(recipe: { readonly score?: object }): object {
  return { ...recipe, score: { ...SCORE_BEFORE_SCREEN, ...recipe.score } };
}

/** Complete the recipes of earlier times. Runs on SQLite and PostgreSQL alike. */
export async function completeRecipes(db: QueryExecutorProvider): Promise<void> {
  const { rows } = await sql<{ id: string; recipe: string }>`select id, recipe from models`.execute(
    db,
  );
  for (const { id, recipe } of rows) {
    const completed = JSON.stringify(completeRecipe(JSON.parse(recipe)));
    await sql`update models set recipe = ${completed} where id = ${id}`.execute(db);
  }
}
