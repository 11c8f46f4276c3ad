import type { ContributorCard } from "../../core/protocol/schemas/contributor.ts";
import { readStored, type SiteStorage, writeStored } from "./site-storage.ts";

/** What a contributor's own page said at some time. */
export type Seen = {
  readonly at: number;
  readonly merged: number;
  readonly rank: number | null;
  /** Number of the newest version. */
  readonly head: number;
};

/** What was seen last, and what the visit before ended with; null at the first visit. */
type Visits = { readonly before: Seen | null; readonly latest: Seen };

const APART_MS = 30 * 60_000; // who comes back sooner has not been away

/** The visits once `now` is seen. */
function visitsWith(visits: Visits | null, now: Seen): Visits {
  if (visits === null) return { before: null, latest: now };
  const isNew = Math.abs(now.at - visits.latest.at) > APART_MS;
  return { before: isNew ? visits.latest : visits.before, latest: now };
}

const seenOf = (card: ContributorCard, head: number, at: number): Seen => ({
  at,
  merged: card.merged,
  rank: card.rank,
  head,
});

const KEY = "commonweight-visits";
const nameOf = (card: ContributorCard) => `${card.model} ${card.contributor}`;

/** Write down what is seen; returns what the visit before ended with. */
export function noteVisit(
  storage: SiteStorage,
  card: ContributorCard,
  head: number,
  at: number,
): Seen | null {
  const all = readAll(storage);
  const known = all[nameOf(card)];
  const visits = visitsWith(isVisits(known) ? known : null, seenOf(card, head, at));
  writeStored(storage, KEY, { ...all, [nameOf(card)]: visits });
  return visits.before;
}

export function forgetVisits(storage: SiteStorage): void {
  writeStored(storage, KEY, {});
}

/** Where nothing is kept, every visit is a first one. */
function readAll(storage: SiteStorage): Record<string, unknown> {
  const kept = readStored(storage, KEY);
  return typeof kept === "object" && kept !== null ? { ...kept } : {};
}

function isVisits(value: unknown): value is Visits {
  if (typeof value !== "object" || value === null) return false;
  const { before, latest } = value as Record<string, unknown>;
  return isSeen(latest) && (before === null || isSeen(before));
}

function isSeen(value: unknown): value is Seen {
  if (typeof value !== "object" || value === null) return false;
  const { at, merged, rank, head } = value as Record<string, unknown>;
  const isNumber = [at, merged, head].every((each) => typeof each === "number");
  return isNumber && (rank === null || typeof rank === "number");
}
