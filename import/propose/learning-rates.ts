import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import { exampleShapeOf } from "../../core/training/examples.ts";

const CLASSIFIER_RATES = [0.003, 0.01, 0.03];
const TEXT_RATES = [0.001, 0.003, 0.01];
const TRAINED_RATES = [0.0001, 0.0003, 0.001];
const RATES = { least: 0.00001, most: 0.03 }; // smaller ones change nothing in a piece, larger ones last nowhere

/** The learning rates that are tried first. */
export function firstRates({ architecture }: Recipe, isTrained: boolean): readonly number[] {
  if (isTrained && architecture.kind === "transformer") return TRAINED_RATES;
  return exampleShapeOf(architecture).kind === "text" ? TEXT_RATES : CLASSIFIER_RATES;
}

export type TriedRate = {
  readonly rate: number;
  /** Mean on the score set in the end; infinite where it did not last. */
  readonly lossNats: number;
  readonly rounds: number;
};

export function bestRate(tried: readonly TriedRate[]): TriedRate {
  return tried.reduce((a, b) => (b.lossNats < a.lossNats ? b : a));
}

/**
 * A rate to try beside `tried`: beyond the best one, where that is the largest or the smallest. A base that was hardly
 * trained learns from rates that would spoil one that was. Null where the best lies between others.
 */
export function rateBeyond(tried: readonly TriedRate[]): number | null {
  const { rate } = bestRate(tried);
  const rates = tried.map((each) => each.rate);
  const isOne = rate.toExponential().startsWith("1"); // 1, 3, 10, 30 …
  const up = Number((rate * (isOne ? 3 : 10 / 3)).toPrecision(1));
  const down = Number((rate / (isOne ? 10 / 3 : 3)).toPrecision(1));
  if (rate === Math.max(...rates)) return up <= RATES.most ? up : null;
  return rate === Math.min(...rates) && down >= RATES.least ? down : null;
}
