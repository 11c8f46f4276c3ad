import type { Cloth } from "../../core/protocol/schemas/cloth.ts";
import { wholeShare } from "../state/cloth-dots.ts";
import { formatPercent, plural } from "./quantities.ts";

/** The picture of a model in words, for people who do not see it. */
export function describeCloth({
  cloth,
  version,
  touches,
  own,
}: {
  readonly cloth: Cloth | null;
  readonly version: number;
  readonly touches: string | null;
  readonly own: string | null;
}): string {
  const merged =
    cloth === null || cloth.contributors.length === 0
      ? `The model as a cloth of dots. Version ${version} has no contributions.`
      : `The model as a cloth of dots. Version ${version} changed about ${formatPercent(wholeShare(cloth.touched))} of it, by ${plural(cloth.contributors.length, "contributor")}${own !== null && cloth.contributors.includes(own) ? ", one of them you" : ""}.`;
  if (touches === null) return merged;
  return `${merged} Your piece may change about ${formatPercent(wholeShare(touches))}.`;
}

/** Where somebody's patches reached, in words. */
export function describeReach(cloth: Cloth | null, isOwn: boolean): string {
  if (cloth === null) return "The model as a cloth of dots.";
  const whose = isOwn ? "Your" : "This contributor's";
  return `The model as a cloth of dots. ${whose} newest patches changed about ${formatPercent(wholeShare(cloth.touched))} of it.`;
}
