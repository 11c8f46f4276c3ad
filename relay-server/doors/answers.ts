import { decodeVersion } from "../../core/history/version.ts";
import type { ModelCard } from "../../core/protocol/schemas/status.ts";
import type { RelayContext, ServedModel } from "../context.ts";
import { followRecipe } from "../history/served-models.ts";
import { summaryOf } from "../store/sql/versions.ts";
import type { ModelRow, VersionRow } from "../store/tables.ts";
import { Refusal } from "./refusal.ts";

/** What finding a model takes. */
export type ModelContext = Pick<RelayContext, "history" | "models">;

/** The model with that id and its row; a Refusal if there is none. */
export async function findModel(
  { history, models }: ModelContext,
  id: string,
): Promise<ServedModel & { row: ModelRow }> {
  const before = models.get(id);
  const row = before && (await history.model(id));
  const served = row && followRecipe(models, row, before);
  if (row === undefined || served === undefined) throw modelUnknown();
  return { ...served, row };
}

export function modelUnknown(): Refusal {
  return new Refusal("model-unknown", "this relay has no model of that name");
}

/** The version that `name` means: a number, an id, a tag, or "head"; a Refusal if there is none. */
export async function findVersion(
  { history }: Pick<RelayContext, "history">,
  model: ModelRow,
  name: string,
): Promise<VersionRow> {
  let found: VersionRow | undefined;
  if (name === "head") found = await history.version(model.id, model.head);
  else if (/^\d{1,9}$/.test(name)) found = await history.version(model.id, Number(name));
  else if (/^[0-9a-f]{64}$/.test(name)) found = await history.versionById(model.id, name);
  else if (/^\d{1,6}\.\d{1,6}\.\d{1,6}$/.test(name))
    found = await history.versionByTag(model.id, name);
  if (found !== undefined) return found;
  throw versionUnknown(model);
}

export function versionUnknown({ id, head }: Pick<ModelRow, "id" | "head">): Refusal {
  return new Refusal("version-unknown", `${id} has no such version; its head is ${head}`);
}

export async function cardOf(
  context: Pick<RelayContext, "history" | "status">,
  { recipe, row }: Awaited<ReturnType<typeof findModel>>,
): Promise<ModelCard> {
  const [base, head, shards, totals] = await Promise.all([
    findVersion(context, row, "0"),
    findVersion(context, row, "head"),
    context.history.shards(row.id),
    context.status.totals(row.id),
  ]);
  return {
    recipe,
    parameters: row.parameters,
    base: summaryOf(base),
    lineage: [...(decodeVersion(base.signed).record.lineage ?? [])],
    head: summaryOf(head),
    shards: shards.length,
    ...totals,
  };
}
