import * as z from "zod/mini";
import { count, hash, positive } from "./primitives.ts";

export const MAX_HOLDERS = 8; // of one answer: a page that needs more asks again in a second
export const MAX_LIST_CHUNKS = 8192; // as many as a manifest has

/** The secret that a peer's id on the relay's signalling is the hash of. */
const peerToken = z.string().check(z.minLength(1), z.maxLength(128));
export const bitfieldText = z
  .string()
  .check(z.regex(/^[0-9a-f]*$/), z.maxLength(MAX_LIST_CHUNKS / 4));

/** A STUN server (RFC 7064); TURN would carry the chunks through a third machine, and is not one. */
const stunUrl = z.string().check(z.regex(/^stuns?:[A-Za-z0-9.:[\]-]{1,255}$/));
/** What a page gives RTCPeerConnection. */
export const iceServers = z
  .array(
    z.strictObject({
      urls: z.union([stunUrl, z.array(stunUrl).check(z.minLength(1), z.maxLength(8))]),
    }),
  )
  .check(z.maxLength(8));
export type IceServers = z.infer<typeof iceServers>;

/** A keyframe by its checkpoint's id, all shards of a model in the order of their indices, or a delta step by its file's SHA-256. */
export const sharedList = z.union([hash, z.literal("shards")]);

/** What a page loaded of a list since its last report, and from where. Bytes that came twice count once. */
export const swarmReport = z.strictObject({
  fromPeersBytes: count,
  /** From the relay, or a cache in front of it. */
  fromRelayBytes: count,
  /** Connections to other peers that it began, and those that opened. */
  tried: count,
  connected: count,
  /** Chunks of other peers whose bytes had another hash. */
  wrongChunks: count,
});
export type SwarmReport = z.infer<typeof swarmReport>;

/** What pages reported since the relay's start, and how many peers offer something now. */
export const swarmFigures = z.object({ ...swarmReport.shape, holders: count });
export type SwarmFigures = z.infer<typeof swarmFigures>;

/** What a peer of the relay's signalling has of a list of chunks, and that it asks who has more. */
export const holdersRequest = z.strictObject({
  peer: hash,
  /** The token that the peer's socket was opened with: who knows it is that peer. */
  token: peerToken,
  list: sharedList,
  /** A bitfield; empty offers nothing, and takes back what was offered. */
  have: bitfieldText,
  /** A bitfield of what it asks for, where that is not all it lacks. */
  want: z.optional(bitfieldText),
  report: z.optional(swarmReport),
});
export type HoldersRequest = z.infer<typeof holdersRequest>;

export const holdersAnswer = z.object({
  /** Peers that have something of what was asked for. */
  holders: z.array(z.object({ peer: hash, have: bitfieldText })).check(z.maxLength(MAX_HOLDERS)),
  /** The relay forgets who has not asked again by then. */
  renewWithinMs: positive,
});
export type HoldersAnswer = z.infer<typeof holdersAnswer>;
