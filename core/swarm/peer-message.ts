import * as z from "zod/mini";
import { FormatError } from "../errors.ts";
import { parseJson } from "../protocol/canonical-json.ts";
import { hash, modelId } from "../protocol/schemas/primitives.ts";
import { bitfieldText, sharedList } from "../protocol/schemas/swarm.ts";

/** Bytes of one message between peers: what every browser passes on whole (RFC 8831, §6.6). */
export const MAX_PEER_MESSAGE_BYTES = 16 << 10;
/** Wanted chunks that a peer has not answered yet. */
export const MAX_OPEN_WANTS = 16;

const request = z.int().check(z.minimum(0), z.maximum(0xffffffff));

/** What peers tell one another as text (protocol X2); a chunk's bytes follow its `begin` as binary messages. */
const peerMessage = z.discriminatedUnion("type", [
  /** Of this list of this model I have these chunks: a bitfield, in place of the one before. */
  z.strictObject({
    type: z.literal("have"),
    model: modelId,
    list: sharedList,
    have: bitfieldText,
  }),
  z.strictObject({ type: z.literal("want"), request, chunk: hash }),
  /** The bytes of this request's chunk come next, or those of the one before it do no more. */
  z.strictObject({ type: z.literal("begin"), request }),
  /** This request gets no bytes, or no more of them. */
  z.strictObject({ type: z.literal("refuse"), request }),
  /** This request's chunk came from elsewhere; its peer answers `refuse`, unless the last byte is under way. */
  z.strictObject({ type: z.literal("cancel"), request }),
]);
export type PeerMessage = z.infer<typeof peerMessage>;
export type PeerHave = Extract<PeerMessage, { type: "have" }>;

export function encodePeerMessage(message: PeerMessage): string {
  return JSON.stringify(message);
}

/** The message of another peer. Throws a FormatError for what is none, before it is parsed if it is too long. */
export function decodePeerMessage(text: string): PeerMessage {
  if (text.length > MAX_PEER_MESSAGE_BYTES) {
    throw new FormatError(`peer's message: ${text.length} characters > ${MAX_PEER_MESSAGE_BYTES}`);
  }
  return parseJson("peer's message", peerMessage, new TextEncoder().encode(text));
}
