import { OK, refuse, type Verdict } from "../protocol/reject-codes.ts";
import { DEFAULT_CLIP_NATS, type Recipe } from "../protocol/schemas/recipe.ts";
import type { SuiteHeader } from "../protocol/schemas/suite.ts";
import { examplesNeeded, leastMargin } from "./gate-size.ts";

const NO_LICENCE =
  /^(none|unknown|unlicen[sc]ed|noassertion|proprietary|all rights reserved|n\/?a)$/i;

const MOST_GATE_SETS = 4; // a look at a suite is six evaluations of it, and a recipe's gate set is what its owner found worth the time

/** Whether a suite could ever show its margin, is not too dear to test on, and may be used by everybody. `examples` are those that are used. */
export function validateSuite(
  { licence, marginNats }: Pick<SuiteHeader, "licence" | "marginNats">,
  examples: number,
  { gate, data }: Pick<Recipe, "gate" | "data">,
): Verdict {
  const { clipNats = DEFAULT_CLIP_NATS, alpha } = gate;
  const unfit = (message: string) => refuse("suite-unfit", message);
  if (NO_LICENCE.test(licence.trim())) {
    return unfit(
      `its licence is "${licence}": it needs one under which everybody may use the examples`,
    );
  }
  if (marginNats >= clipNats) {
    const bound = `${clipNats}, the most that one example counts`;
    return unfit(`a margin of ${marginNats} nats is not below ${bound}`);
  }
  const most = MOST_GATE_SETS * data.heldOut.gate;
  if (examples > most) {
    return unfit(`${examples} examples are more than ${most}, four times the model's own gate set`);
  }
  const needed = examplesNeeded(marginNats, { clipNats, alpha });
  if (examples >= needed) return OK;
  const least = leastMargin(examples, { clipNats, alpha });
  const other = least < clipNats ? `, or a margin of ${least}` : "";
  return unfit(
    `${examples} examples are too few for a margin of ${marginNats} nats: it takes ${needed}${other}`,
  );
}
