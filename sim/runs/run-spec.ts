import { shippedModels } from "../../models/shipped.ts";
import { runDiloco } from "../baselines/diloco.ts";
import { runSparseLoco } from "../baselines/sparse-loco.ts";
import { runCommunity } from "../community/community.ts";
import type { CommunityReport, Curve } from "../community/report.ts";
import { loadModel, type SimModel } from "../community/sim-model.ts";
import { changeRecipe } from "../options.ts";
import type { RunSpec } from "./spec.ts";

const loaded = new Map<string, Promise<SimModel>>();

/** Run what the spec says, on the backend that is open. */
export async function runSpec(spec: RunSpec): Promise<CommunityReport | Curve> {
  const model = await changedModel(spec);
  if (spec.way === "sparse-loco") return runSparseLoco(model, spec);
  if (spec.way === "diloco") return runDiloco(model, spec);
  const options = { ...spec, without: new Set(spec.without) };
  return (await runCommunity(model, options, () => {})).report;
}

async function changedModel({ model, changes }: RunSpec): Promise<SimModel> {
  const source = shippedModels.find(({ recipe }) => recipe.id === model);
  if (source === undefined) throw new Error(`${model}: not shipped`);
  const recipe = changeRecipe(source.recipe, changes);
  if (typeof recipe === "string") throw new Error(recipe);
  const known = loaded.get(model) ?? loadModel(source);
  loaded.set(model, known);
  return { ...(await known), recipe };
}
