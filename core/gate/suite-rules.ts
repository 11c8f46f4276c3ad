import { OK, refuse, type Verdict } from "../protocol/reject-codes.ts";
import { DEFAULT_CLIP_NATS, type Recipe } from "../protocol/schemas/recipe.ts";
import type { SuiteHeader } from "../protocol/schemas/suite.ts";
import { examplesNeeded, leastMargin } from "./gate-size.ts";

const NO_LICENCE =
  /^(none|unknown|unlicen[sc]ed|noassertion|proprietary|all rights reserved|n\/?a)$/i;

/** Whether a suite could ever show its margin, and may be used by everybody. `examples` are those that are used. */
export function validateSuite(
  { licence, marginNats }: Pick<SuiteHeader, "licence" | "marginNats">,
  examples: number,
  { clipNats = DEFAULT_CLIP_NATS, alpha }: Recipe["gate"],
): Verdict {
  const unfit = (message: string) => refuse("suite-unfit", message);
  if (NO_LICENCE.test(licence.trim())) {
    return unfit(
      `its licence is "${licence}": it needs one under which everybody may use the examples`,
    );
  }
  if (marginNats >= clipNats) {
    const most = `${clipNats}, the most that one example counts`;
    return unfit(`a margin of ${marginNats} nats is not below ${most}`);
  }
  const needed = examplesNeeded(marginNats, { clipNats, alpha });
  if (examples >= needed) return OK;
  const least = leastMargin(examples, { clipNats, alpha });
  const other = least < clipNats ? `, or a margin of ${least}` : "";
  return unfit(
    `${examples} examples are too few for a margin of ${marginNats} nats: it takes ${needed}${other}`,
  );
}
