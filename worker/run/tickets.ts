import { publicKeyHex } from "../../core/crypto/signature.ts";
import { workTerms } from "../../core/history/recipe-change.ts";
import { RelayError } from "../../core/protocol/relay-error.ts";
import type { Ticket, TicketAnswer } from "../../core/protocol/schemas/ticket.ts";
import { verifyTicket } from "../../core/protocol/signed-ticket.ts";
import { askPatiently, pinRelay, type Session } from "./session.ts";

/** A ticket that is to be done. */
export type WorkToDo = {
  readonly ticket: Ticket;
  /** The relay's. */
  readonly signature: string;
  /** On this device's steady clock. */
  readonly endsAt: number;
};
export type Work =
  | WorkToDo
  | { readonly ticket: null; readonly refusal: TicketAnswer & { work: false } };

/** The session with the card that the ticket goes by: a maintainer may have changed the recipe since, or added data. */
export async function followCard(session: Session, { terms, shards }: Ticket): Promise<Session> {
  const { card, client, signal } = session;
  const isKnown = terms === undefined || terms === (await workTerms(card.recipe));
  if (isKnown && shards.every(({ index }) => index < card.shards)) return session;
  const news = await askPatiently(session, () => client.model(card.recipe.id, { signal }));
  return { ...session, card: news };
}

/**
 * Ask for a piece of work. A ticket that the relay's key did not sign, or for another model or
 * contributor, is not taken.
 */
export async function askForWork(session: Session): Promise<Work> {
  const { client, keys, card, relayKey, engine, platform, signal } = session;
  const contributor = await publicKeyHex(keys);
  const askedAt = platform.steadyMs();
  const device = engine.device.slice(0, 120);
  const request = { contributor, issuedAt: platform.now(), backend: engine.name, device };
  const answer = await client.ticket(card.recipe.id, request, keys.privateKey, { signal });
  if (!answer.work) return { ticket: null, refusal: answer };
  const { ticket, signature } = answer;
  const isOurs = ticket.contributor === contributor && ticket.model === card.recipe.id;
  if (!isOurs || !(await verifyTicket(ticket, signature, relayKey))) {
    await pinRelay(session); // it stops here where the relay's key is another now
    throw new RelayError("ticket-invalid", "retry", "the relay gave a ticket that is not its own");
  }
  // its length, not its end: the two clocks may differ
  return { ticket, signature, endsAt: askedAt + ticket.expiresAt - ticket.issuedAt };
}
