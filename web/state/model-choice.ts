import type { ModelCard } from "../../core/protocol/schemas/status.ts";

/** The model that the address names, the first where it names none; null where there is no such model. */
export function chooseModel(cards: readonly ModelCard[], named: string | null): ModelCard | null {
  const found = named === null ? cards[0] : cards.find(({ recipe }) => recipe.id === named);
  return found ?? null;
}
