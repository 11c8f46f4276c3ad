import { sha256 } from "../crypto/signature.ts";

/**
 * A peer's id on the relay's signalling: the SHA-256 of its token. Whoever reads the id cannot become that peer, not even at
 * a relay that has just begun and knows nobody (protocol W1).
 */
export function peerIdOf(token: string): Promise<string> {
  return sha256(new TextEncoder().encode(token));
}
