import type { ContributorCard } from "../../core/protocol/schemas/contributor.ts";
import type { Seen } from "../state/last-visit.ts";
import { calledBy, formatCount, formatSpan, plural } from "./quantities.ts";

/** Why a contributor has that place, in one or two sentences. */
export function standingWords({ rank, of, credit, above }: ContributorCard): string {
  if (rank === null) return "No place yet: the first patch that is merged gives one.";
  const rule = `Place ${formatCount(rank)} of ${formatCount(of)}, by credit: examples trained on, times the weight that each patch had in its merge.`;
  if (above === null) return `${rule} Nobody has more.`;
  const missing = above.credit - credit;
  const who = calledBy(above.contributor, above.name);
  return `${rule} ${formatCount(Math.max(1, Math.ceil(missing)))} more and it is ${who}'s place.`;
}

/** What has changed since `before`, as sentences; there is always one. */
export function changeWords(before: Seen, card: ContributorCard, head: number): string[] {
  const lines: string[] = [];
  const merged = card.merged - before.merged;
  if (merged > 0) lines.push(`${plural(merged, "patch was", "patches were")} merged.`);
  if (merged < 0) lines.push(`${plural(-merged, "patch was", "patches were")} taken out again.`);
  if (before.rank !== null && card.rank !== null && card.rank !== before.rank) {
    const way = card.rank < before.rank ? "up" : "down";
    lines.push(`You went ${way} from place ${before.rank} to ${card.rank}.`);
  }
  if (head > before.head) lines.push(`The model went from version ${before.head} to ${head}.`);
  return lines.length > 0 ? lines : ["Nothing has changed."];
}

/** How long ago the visit before was. */
export const sinceWords = (before: Seen, nowMs: number): string =>
  `Since your last visit here, ${formatSpan(nowMs - before.at)} ago`;
