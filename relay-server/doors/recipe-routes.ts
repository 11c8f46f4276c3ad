import { Hono } from "hono";
import { recipeChanges, recipeHash } from "../../core/history/recipe-change.ts";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import { MAX_RECIPE_BYTES } from "../../core/protocol/limits.ts";
import { routes } from "../../core/protocol/routes.ts";
import { type RecipeRequest, recipeRequest } from "../../core/protocol/schemas/admin.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import type { RelayContext } from "../context.ts";
import { nextAct } from "../history/acts.ts";
import { suiteFits } from "../history/suites.ts";
import { type ModelHealthContext, tellHealth } from "../merging/health.ts";
import type { EventHub } from "../store/event-hub.ts";
import type { SuiteEntry } from "../store/sql/suites.ts";
import { findModel } from "./answers.ts";
import type { Limits } from "./limits.ts";
import { maintainerOf } from "./maintainer.ts";
import { Refusal } from "./refusal.ts";

/** For maintainers only: another recipe for a model (R7). `onWork` hears that its loop may have something to do by it. */
export function recipeRoutes(
  context: ModelHealthContext & Pick<RelayContext, "people" | "identity">,
  hub: EventHub,
  limits: Limits,
  onWork: (model: string) => void,
): Hono {
  const { history, clock } = context;
  const app = new Hono();

  app.post(routes.recipe(), async (c) => {
    const maintainer = await maintainerOf(context, c);
    const body = await limits.upload(c, MAX_RECIPE_BYTES);
    const { reason, ...wish } = parseJson("request", recipeRequest, body);
    const { model, before, recipe } = wish;
    for (;;) {
      const present = await findModel(context, model);
      await refuseChange(present.recipe, wish);
      await refuseShards(wish);
      const suites = await history.suitesInForce(model);
      refuseForSuites(suites, present.recipe, recipe);
      const act = await nextAct(context, model, {
        deed: { kind: "recipe", before, recipe },
        reason,
      });
      const change = {
        before: present.recipeText,
        suites: suites.map(({ id }) => id),
        recipe: JSON.stringify(recipe),
      };
      const doing = { reason, maintainer, at: clock() };
      if (await history.changeRecipe({ ...act, ...change, ...doing })) break; // else another maintainer or a version was faster
    }
    await findModel(context, model); // from here on this relay goes by it
    const health = await tellHealth(context, model);
    hub.wake();
    onWork(model);
    return c.json(health);
  });

  async function refuseShards({ model, recipe: { data } }: Wish): Promise<void> {
    const shards = (await history.shards(model)).length;
    if (data.shardsPerTicket <= shards) return;
    throw new Refusal("malformed", `data.shardsPerTicket: ${model} has ${shards} shards`);
  }

  return app;
}

type Wish = Omit<RecipeRequest, "reason">;

async function refuseChange(present: Recipe, { model, before, recipe }: Wish): Promise<void> {
  if ((await recipeHash(present)) !== before) {
    throw new Refusal("recipe-overtaken", `the recipe of ${model} is another one by now`);
  }
  const changes = recipeChanges(present, recipe);
  const fixed = changes.find(({ effect }) => effect === null);
  if (fixed !== undefined) throw new Refusal("recipe-fixed", `${fixed.field} may not change`);
  if (changes.length === 0) throw new Refusal("malformed", "the recipe is the same");
}

/** A suite in force that could show its margin by the present recipe and not by the next one would stop all work. */
function refuseForSuites(suites: readonly SuiteEntry[], present: Recipe, next: Recipe): void {
  for (const suite of suites) {
    const { name } = suite;
    const [was, is] = [suiteFits(suite, present), suiteFits(suite, next)];
    if (was.ok && !is.ok) throw new Refusal(is.code, `the suite ${name} in force: ${is.message}`);
  }
}
