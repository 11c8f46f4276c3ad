import { assert } from "../../core/errors.ts";
import { encodeHex } from "../../core/hex.ts";
import { workTerms } from "../../core/history/recipe-change.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import type { Ticket, TicketAnswer } from "../../core/protocol/schemas/ticket.ts";
import { signTicket } from "../../core/protocol/signed-ticket.ts";
import { createRandom } from "../../core/random.ts";
import { shardFile } from "../content/damage.ts";
import type { RelayContext } from "../context.ts";
import { chooseShards, shardOf } from "../judging/shards.ts";
import { drawUint32 } from "../merging/lots.ts";
import type { AskerStanding } from "../store/sql/tickets.ts";
import type { ShardRow } from "../store/tables.ts";
import type { Asker } from "./queue.ts";

const LEAST_RETRY_SECONDS = 5;
const MOST_RETRY_SECONDS = 300; // judging may turn out faster than it was, and work may come back
const PAUSED_RETRY_SECONDS = 60;
const TRIAL_RETRY_SECONDS = 60; // about what the cohort that is out takes
const HOUR_MS = 3600_000;
const MOST_WORDS = 600; // of an answer's message
// Of an hour's tickets for one key. Older ones do not count: all that a key can hoard is so many for each hour.
const MOST = {
  unused: 32, // some thirty devices that share the key, or one whose tab is closed every two minutes
  spent: 64, // a device alone, at a minute a piece, never has so many refused; small files that are wrong could draw more
};

export type TicketContext = Pick<
  RelayContext,
  | "config"
  | "clock"
  | "random"
  | "tickets"
  | "stock"
  | "identity"
  | "models"
  | "queue"
  | "rests"
  | "damage"
>;

function retryAfter(seconds: number): { retryAfterSeconds: number } {
  const bounded = Math.min(MOST_RETRY_SECONDS, Math.max(LEAST_RETRY_SECONDS, Math.ceil(seconds)));
  return { retryAfterSeconds: bounded };
}

/** How a model stands, and who asks for work on it; undefined without such a model. */
export function standingOf(
  { tickets }: Pick<TicketContext, "tickets">,
  model: string,
  contributor: string,
): Promise<AskerStanding | undefined> {
  return tickets.standing(model, contributor, MOST);
}

/** A piece of work for the asker on the model's head, or why there is none. */
export async function issueTicket(
  context: TicketContext,
  model: AskerStanding,
  asker: Asker,
): Promise<TicketAnswer> {
  const { contributor } = asker;
  const { tickets, stock, clock, config, random, identity } = context;
  if (model.retired !== null) {
    const message = `A maintainer retired this model: ${model.retired}`.slice(0, MOST_WORDS);
    return { work: false, reason: "retired", message, retryAfterSeconds: MOST_RETRY_SECONDS };
  }
  if (model.paused === 1) {
    const message = "A maintainer paused this model.";
    return { work: false, reason: "paused", message, retryAfterSeconds: PAUSED_RETRY_SECONDS };
  }
  const rest = await restOf(context, model);
  if (rest !== null) return rest;
  const fullSince = Math.max(model.unused ?? -HOUR_MS, model.spent ?? -HOUR_MS);
  const heldMs = fullSince + HOUR_MS - clock();
  if (heldMs > 0 && heldMs <= HOUR_MS) {
    const became =
      fullSince === model.unused
        ? `${MOST.unused} pieces did not come back`
        : `${MOST.spent} pieces were refused as they came`;
    const message = `Of the work that this key took within an hour, ${became}.`;
    return { work: false, reason: "queue-full", message, ...retryAfter(heldMs / 1000) };
  }
  const room = await context.queue.room(model.id, asker);
  if (room.full) {
    const { message, excessSeconds } = room;
    return { work: false, reason: "queue-full", message, ...retryAfter(excessSeconds) };
  }
  const { base, mask, shards } = await stock.materials(model.id, model.head);
  const recipe = context.models.get(model.id)?.recipe;
  assert(recipe !== undefined, `no model ${model.id}`);
  const chosen = await chooseSound(context, shards, recipe);
  if (chosen.length === 0) {
    const message = "All of this model's data is damaged on the relay's disk.";
    return { work: false, reason: "paused", message, retryAfterSeconds: PAUSED_RETRY_SECONDS };
  }
  const issuedAt = clock();
  const ticket: Ticket = {
    format: "commonweight.ticket/1",
    id: encodeHex(random(16)),
    model: model.id,
    contributor,
    base,
    mask,
    shards: chosen.map(shardOf),
    seed: drawUint32(random),
    training: recipe.training,
    terms: await workTerms(recipe),
    issuedAt,
    expiresAt: issuedAt + config.ticketHours * HOUR_MS,
  };
  const row = {
    id: ticket.id,
    model: model.id,
    contributor,
    base: base.number,
    ticket: JSON.stringify(ticket),
    issued_at: issuedAt,
    expires_at: ticket.expiresAt,
    used: 0,
  };
  await tickets.issueTicket(
    row,
    ticket.shards.map(({ index }) => index),
  );
  return { work: true, ticket, signature: await signTicket(ticket, identity.privateKey) };
}

/** No work, if the head cannot be bettered for now: while the model rests, and while a cohort that tries again is out. */
async function restOf(
  { tickets, models, rests, clock }: TicketContext,
  { id, head }: Pick<AskerStanding, "id" | "head">,
): Promise<(TicketAnswer & { work: false }) | null> {
  const cohortSize = models.get(id)?.recipe.merge.cohortSize;
  assert(cohortSize !== undefined, `no model ${id}`);
  const rest = await rests({ model: id, head, cohortSize });
  if (rest === null) return null;
  const found = `The last ${rest.count} pieces on version ${head} could not make it better`;
  if (rest.leftMs > 0) {
    const message = `${found}, though nothing was wrong with them. The model rests, and tries again in ${spanOf(rest.leftMs)}.`;
    return { work: false, reason: "no-gain", message, ...retryAfter(rest.leftMs / 1000) };
  }
  if ((await tickets.outstanding(id, clock())) < cohortSize) return null;
  const message = `${found}. A few volunteers try again just now; more are not needed until they have.`;
  return { work: false, reason: "no-gain", message, retryAfterSeconds: TRIAL_RETRY_SECONDS };
}

function spanOf(ms: number): string {
  const minutes = Math.ceil(ms / 60_000);
  return minutes === 1 ? "a minute" : `${minutes} minutes`;
}

/**
 * The shards of a ticket, each of them sound: what turns out damaged is noted, and chosen no more. They count as assigned at
 * once, so that whoever asks meanwhile gets others.
 */
async function chooseSound(
  { damage, random }: TicketContext,
  shards: readonly ShardRow[],
  { id, data }: Recipe,
): Promise<ShardRow[]> {
  const lots = createRandom(Array.from({ length: 4 }, () => encodeHex(random(4))).join("")); // of lots a lot, not of a secret
  for (;;) {
    const chosen = chooseShards(damage.unharmed(id, shards), data, {
      rank: ({ assigned }) => assigned, // those that were handed out least
      lot: lots.uint32,
    });
    const sound = await Promise.all(chosen.map((shard) => damage.isSound(shardFile(id, shard))));
    if (!sound.every((isSound) => isSound)) continue;
    for (const shard of chosen) shard.assigned += 1;
    return chosen;
  }
}
