import { publicKeyHex } from "../../core/crypto/signature.ts";
import { RelayError } from "../../core/protocol/relay-error.ts";
import type { Ticket, TicketAnswer } from "../../core/protocol/schemas/ticket.ts";
import { verifyTicket } from "../../core/protocol/signed-ticket.ts";
import { pinRelay, type Session } from "./session.ts";

export type Work =
  | { readonly ticket: Ticket /** On this device's steady clock. */; readonly endsAt: number }
  | { readonly ticket: null; readonly refusal: TicketAnswer & { work: false } };

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
  return { ticket, endsAt: askedAt + ticket.expiresAt - ticket.issuedAt };
}
