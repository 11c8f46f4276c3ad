import { assert } from "../core/errors.ts";
import { encodeHex } from "../core/hex.ts";
import { parseJson } from "../core/protocol/canonical-json.ts";
import { mask } from "../core/protocol/schemas/mask.ts";
import type { Ticket, TicketAnswer } from "../core/protocol/schemas/ticket.ts";
import { signTicket } from "../core/protocol/signed-ticket.ts";
import type { RelayContext } from "./context.ts";
import type { ModelRow } from "./ledger/tables.ts";
import { drawUint32 } from "./lots.ts";
import { chooseShards } from "./shards.ts";

const MAX_UNSCORED = 256; // more work than this waits for its score: let it be caught up with first
const FULL_RETRY_SECONDS = 30;
const PAUSED_RETRY_SECONDS = 60;
const HOUR_MS = 3600_000;

/** A piece of work for `contributor` on the model's head, or why there is none. */
export async function issueTicket(
  context: RelayContext,
  model: ModelRow,
  contributor: string,
): Promise<TicketAnswer> {
  const { ledger, clock, config, random, identity } = context;
  if (model.paused === 1) {
    const message = "A maintainer paused this model.";
    return { work: false, reason: "paused", message, retryAfterSeconds: PAUSED_RETRY_SECONDS };
  }
  const unscored = await ledger.unscored(model.id);
  if (unscored >= MAX_UNSCORED) {
    const message = `${unscored} contributions wait for their score.`;
    return { work: false, reason: "queue-full", message, retryAfterSeconds: FULL_RETRY_SECONDS };
  }
  const [head, shards] = await Promise.all([
    ledger.version(model.id, model.head),
    ledger.shards(model.id),
  ]);
  const recipe = context.models.get(model.id)?.recipe;
  assert(head !== undefined && recipe !== undefined, `no head of ${model.id}`);
  const chosen = chooseShards(shards, recipe.data, {
    rank: ({ assigned }) => assigned, // those that were handed out least
    lot: () => drawUint32(random),
  });
  const issuedAt = clock();
  const ticket: Ticket = {
    format: "commonweight.ticket/1",
    id: encodeHex(random(16)),
    model: model.id,
    contributor,
    base: { number: head.number, id: head.id, checkpoint: head.checkpoint },
    mask: parseJson("mask", mask, new TextEncoder().encode(head.mask)),
    shards: chosen.map(({ position, sha256, size_bytes, examples, title }) => ({
      index: position,
      sha256,
      sizeBytes: size_bytes,
      examples,
      title,
    })),
    seed: drawUint32(random),
    training: recipe.training,
    issuedAt,
    expiresAt: issuedAt + config.ticketHours * HOUR_MS,
  };
  const row = {
    id: ticket.id,
    model: model.id,
    contributor,
    base: head.number,
    ticket: JSON.stringify(ticket),
    issued_at: issuedAt,
    expires_at: ticket.expiresAt,
  };
  await ledger.issueTicket(
    row,
    ticket.shards.map(({ index }) => index),
  );
  return { work: true, ticket, signature: await signTicket(ticket, identity.privateKey) };
}
