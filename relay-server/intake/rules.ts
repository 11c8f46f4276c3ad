import { OK, refuse, type Verdict } from "../../core/protocol/reject-codes.ts";
import type { PatchHeader } from "../../core/protocol/schemas/contribution.ts";
import type { Mask } from "../../core/protocol/schemas/mask.ts";
import type { Training } from "../../core/protocol/schemas/recipe.ts";
import type { Ticket } from "../../core/protocol/schemas/ticket.ts";

const NORM_BEYOND_CLIP = 16; // honest norms vary by far less; past it the clip leaves nothing of the patch
const BEYOND_ADAM = 4; // Adam moves a value by about the learning rate a step, by 3.2 of it at the very most

export const TICKET_UNKNOWN = refuse("ticket-unknown", "this relay gave out no such ticket");

/** Whether a ticket that is good until `expiresAt` still is. */
export function validateExpiry(expiresAt: number, now: number): Verdict {
  if (now <= expiresAt) return OK;
  const hours = Math.ceil((now - expiresAt) / 3600_000);
  return refuse("ticket-expired", `the ticket expired within the last ${hours} h`);
}

/** Whether the work in `header` is what `ticket` asked its bearer to do. */
export function validateTicket(header: PatchHeader, ticket: Ticket, now: number): Verdict {
  if (ticket.contributor !== header.contributor) {
    return refuse("ticket-foreign", "the ticket was given to another contributor");
  }
  const timely = validateExpiry(ticket.expiresAt, now);
  if (!timely.ok) return timely;
  const mismatch = mismatchOf(header, ticket);
  return mismatch === null ? OK : refuse("ticket-mismatch", mismatch);
}

function mismatchOf(header: PatchHeader, ticket: Ticket): string | null {
  if (header.model !== ticket.model)
    return `model ${header.model}, the ticket says ${ticket.model}`;
  if (header.base !== ticket.base.id)
    return `base ${header.base}, the ticket says ${ticket.base.id}`;
  if (!fitsMask(header.mask, ticket.mask)) return "the mask is not the ticket's";
  const shards = ticket.shards.map(({ index }) => index);
  if (header.shards.join() !== shards.join()) {
    return `shards ${header.shards}, the ticket says ${shards}`;
  }
  const { steps, batch } = ticket.training;
  if (header.steps !== steps) return `${header.steps} steps, the ticket says ${steps}`;
  if (header.examples !== steps * batch) {
    return `${header.examples} examples, but ${steps} steps of ${batch} are ${steps * batch}`;
  }
  return null;
}

/** Whether `a` is a mask that a ticket, or a version, with mask `b` allows: the same, or an own one of at most its positions. */
export function fitsMask(a: Mask, b: Mask): boolean {
  if (a.kind === "own" && b.kind === "own") return a.count <= b.count;
  if (a.kind !== b.kind || a.count !== b.count) return false;
  if (a.kind === "random" && b.kind === "random") return a.seed === b.seed;
  if (a.kind === "shared" && b.kind === "shared") return a.positions === b.positions;
  return true;
}

/**
 * Whether a delta of `norm` over `count` values changes something, and not beyond all reason: against the clip, or
 * before any work was merged against what the recipe's training could at most do.
 */
export function validateNorm(
  norm: number,
  { count, clipNorm, training }: { count: number; clipNorm: number | null; training: Training },
): Verdict {
  if (norm === 0) return refuse("no-effect", "the patch changes nothing");
  const { steps, learningRate } = training;
  const limit =
    clipNorm === null
      ? BEYOND_ADAM * learningRate * steps * Math.sqrt(count)
      : NORM_BEYOND_CLIP * clipNorm;
  if (norm <= limit) return OK;
  return refuse("norm-too-large", `norm ${norm.toPrecision(3)} > ${limit.toPrecision(3)}`);
}

/** Whether work for a model that is retired for that reason (null: it is not) is still taken. */
export function validateRetirement(retired: string | null): Verdict {
  if (retired === null) return OK;
  return refuse("retired", `a maintainer retired this model: ${retired}`);
}

/** Whether a ticket of these terms (undefined: from before there were any) is good under a recipe of `present` ones. */
export function validateTerms(terms: string | undefined, present: string): Verdict {
  if (terms === undefined || terms === present) return OK;
  const message = "a maintainer changed how this model is trained since the ticket was given out";
  return refuse("recipe-changed", message);
}

/** Whether work on version `base` is still merged when the head is version `head`. */
export function validateStaleness(base: number, head: number, limit: number): Verdict {
  if (head - base <= limit) return OK;
  return refuse(
    "stale",
    `trained on version ${base}, the head is version ${head}: more than ${limit} behind`,
  );
}
