import { assert } from "../../core/errors.ts";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import { mask as maskSchema } from "../../core/protocol/schemas/mask.ts";
import { type Recipe, recipe as recipeSchema } from "../../core/protocol/schemas/recipe.ts";
import { layoutOfManifest, nameCheckpoint } from "../../core/tensors/manifest.ts";
import { shardFile } from "../content/damage.ts";
import type { RelayContext, ServedModel } from "../context.ts";
import { StartError } from "../start-error.ts";
import type { ModelRow } from "../store/tables.ts";
import type { Evaluator } from "../threads/open-evaluator.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { checkHeldOut } from "./held-out-hashes.ts";

type ServingContext = Pick<
  RelayContext,
  "history" | "status" | "blobs" | "heldOut" | "damage" | "models" | "config"
>;

/** Open every model in the ledger. */
export async function openModels(
  context: ServingContext,
  checkpoints: Checkpoints,
  evaluator: Evaluator,
): Promise<void> {
  for (const row of await context.history.models()) {
    try {
      await serveModel(context, checkpoints, evaluator, row);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new StartError(
        `The data folder ${context.config.dataDir} is damaged: ${row.id}: ${reason}. Put a backup in its place, or choose another DATA_DIR.`,
      );
    }
  }
}

/**
 * Open a model and check what its head needs: the parameters, rebuilt from the blobs, must hash to the head's checkpoint,
 * and its mask and the shards be there.
 */
export async function serveModel(
  context: ServingContext,
  checkpoints: Checkpoints,
  evaluator: Evaluator,
  row: ModelRow,
): Promise<void> {
  const served = await openModel(context, checkpoints, row);
  const { recipe } = served;
  const hashes = await checkHeldOut(context, recipe);
  await evaluator.open({ id: row.id, architecture: recipe.architecture, hashes });
  context.models.set(row.id, served);
}

async function openModel(
  { history, blobs, damage }: Pick<RelayContext, "history" | "blobs" | "damage">,
  checkpoints: Checkpoints,
  row: ModelRow,
): Promise<ServedModel> {
  const recipe = readRecipe(row);
  const head = await history.version(row.id, row.head);
  assert(head !== undefined, `no version ${row.head}`);
  const layout = layoutOfManifest(await checkpoints.manifestOf(head));
  const { id } = await nameCheckpoint(layout, await checkpoints.parametersOf(head));
  if (id !== head.checkpoint)
    throw new Error(`version ${head.number} does not have its checkpoint`);
  const mask = parseJson("mask", maskSchema, new TextEncoder().encode(head.mask));
  if (mask.kind === "shared" && (await blobs.size(mask.positions)) === null) {
    throw new Error(`the mask of version ${head.number} is missing`);
  }
  for (const shard of await history.shards(row.id)) {
    const isThere = (await blobs.size(shard.sha256)) === shard.size_bytes;
    if (!isThere) damage.note(shardFile(row.id, shard), false); // the others go on
  }
  return { recipe, recipeText: row.recipe, layout };
}

/** The recipe that the ledger has, as maintainers may have changed it. */
export function readRecipe({ recipe }: Pick<ModelRow, "recipe">): Recipe {
  return parseJson("recipe", recipeSchema, new TextEncoder().encode(recipe));
}

/**
 * The model of `row`, with the recipe that the row has: a maintainer may have changed it, at another relay too. It is kept unless
 * `before`, the model as it was served when the row was asked for, has been changed meanwhile: the row may be the older one.
 */
export function followRecipe(
  models: RelayContext["models"],
  row: Pick<ModelRow, "id" | "recipe">,
  before: ServedModel | undefined,
): ServedModel | undefined {
  const served = models.get(row.id);
  if (served === undefined || served.recipeText === row.recipe) return served;
  const followed = { ...served, recipe: readRecipe(row), recipeText: row.recipe };
  if (served === before) models.set(row.id, followed);
  return followed;
}

/** `serve` of a model: one time however many ask, and again if it failed. */
export function onceAModel(
  serve: (row: ModelRow) => Promise<void>,
): (row: ModelRow) => Promise<void> {
  const served = new Map<string, Promise<void>>();
  return (row) => {
    const known = served.get(row.id);
    if (known !== undefined) return known;
    const serving = serve(row);
    served.set(row.id, serving);
    serving.catch(() => served.delete(row.id)); // who asked hears of it
    return serving;
  };
}
