import { type SigningKey, sha256, signId, verifyId } from "../crypto/signature.ts";
import { encodeCanonical } from "./canonical-json.ts";
import type { Ticket } from "./schemas/ticket.ts";

/** The relay's signature of `ticket` (protocol S2): its id is the SHA-256 of its RFC 8785 form. */
export async function signTicket(ticket: Ticket, privateKey: SigningKey): Promise<string> {
  return signId("ticket", await sha256(encodeCanonical(ticket)), privateKey);
}

/** Whether the relay that holds `relayKey` gave out `ticket`. */
export async function verifyTicket(
  ticket: Ticket,
  signatureHex: string,
  relayKey: string,
): Promise<boolean> {
  return verifyId("ticket", await sha256(encodeCanonical(ticket)), signatureHex, relayKey);
}
