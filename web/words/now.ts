import type { Now } from "../../core/protocol/schemas/now.ts";
import { calledBy, formatSpan, plural } from "./quantities.ts";

const NAMED = 3;

/** Who trains this minute: "Ada, 3f2a9c01 and 12 others are training". */
export function trainingWords({ count, contributors }: Now["training"]): string {
  if (count === 0) return "Nobody is training right now";
  const named = contributors
    .slice(0, count > NAMED + 1 ? NAMED : count)
    .map(({ contributor, name }) => calledBy(contributor, name));
  const others = count - named.length;
  const last = others > 0 ? plural(others, "other") : named.pop();
  const who = named.length === 0 ? last : `${named.join(", ")} and ${last}`;
  return `${who} ${count === 1 ? "is" : "are"} training`;
}

/** How far the next version is: "4 of 10 patches are there; the tests begin in about 20 s at the latest". */
export function cohortWords({ size, queued, closesInSeconds }: Now["cohort"]): string {
  const there = `${Math.min(queued, size)} of ${plural(size, "patch", "patches")} ${queued === 1 ? "is" : "are"} there`;
  if (closesInSeconds === null) return there;
  if (queued >= size || closesInSeconds === 0) return `${there}; the tests are under way`;
  return `${there}; the tests begin in about ${formatSpan(closesInSeconds * 1000)} at the latest`;
}
