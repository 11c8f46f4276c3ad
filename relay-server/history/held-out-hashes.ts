import { sha256 } from "../../core/crypto/signature.ts";
import type { Suite } from "../../core/gate/judge.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import { damagedError } from "../content/damage.ts";
import { heldOutSetting, suitesOf } from "../content/held-out-store.ts";
import type { RelayContext } from "../context.ts";
import type { EvaluatedModel } from "../threads/evaluation-thread.ts";

/**
 * The hashes of a model's held-out sets, as the import wrote them down, or the first start since they are. An error names a
 * set that is missing or not what it was: with another one nothing could be compared with what was judged before.
 */
export async function checkHeldOut(
  { status, heldOut }: Pick<RelayContext, "status" | "heldOut">,
  recipe: Recipe,
): Promise<EvaluatedModel["hashes"]> {
  const hashes: Partial<Record<Suite, string>> = {};
  for (const suite of suitesOf(recipe)) {
    const bytes = await heldOut.read(recipe.id, suite);
    if (bytes === null) throw damagedError(`the ${suite} set`);
    const hash = await sha256(bytes);
    const name = heldOutSetting(recipe.id, suite);
    const known = await status.setting(name);
    if (known === undefined) await status.putSetting(name, hash);
    else if (known !== hash) throw damagedError(`the ${suite} set`);
    hashes[suite] = hash;
  }
  return hashes;
}
