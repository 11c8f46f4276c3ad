/**
 * What a volunteer keeps on its device. Key and outbox are never given up; blobs, held checkpoints and the piece that is
 * under way are caches, which the store evicts to make room. Implemented on IndexedDB here, on files in cli.
 */
import type { KeyPair } from "../../core/crypto/signature.ts";
import type { Piece } from "../api.ts";

/** A contribution that waits until the relay has answered for its id. */
export type OutboxEntry = {
  /** The patch file; `piece.id` is its SHA-256. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The contributor's signature of the id. */
  readonly signature: string;
  readonly piece: Piece & { readonly sent: "waiting" };
};

/** A model's version whose parameters are here, so that only delta steps have to come. */
export type HeldCheckpoint = {
  readonly model: string;
  readonly version: number;
  /** Flat parameters [N]. */
  readonly parameters: Float32Array<ArrayBuffer>;
};

/** A device that computed every operation right, as it was then. */
export type PassedCheck = {
  readonly fingerprint: string;
  readonly passedAt: number;
};

/** Bytes of chunks that came to this device, and that went from it to other volunteers. */
export type ExchangedBytes = { readonly receivedBytes: number; readonly givenBytes: number };

export type Store = {
  /** This device's keys; null before the first `createKeyPair`. */
  keyPair(): Promise<KeyPair | null>;
  /** This device's keys, made if there are none: two at once get the same ones. */
  createKeyPair(): Promise<KeyPair>;

  /** Oldest first. */
  outbox(): Promise<readonly OutboxEntry[]>;
  /** Resolves when the entry survives a crash; caches give way to it. */
  putOutbox(entry: OutboxEntry): Promise<void>;
  /** The relay has answered: take the entry out of the outbox and keep its outcome. */
  settle(piece: Piece): Promise<void>;
  /** What this device made, waiting or answered, newest first, at most MAX_PIECES. */
  pieces(): Promise<readonly Piece[]>;

  /** The piece that is under way, as it was kept last; null if there is none. */
  begun(): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Keep it in place of what was kept before, if there is room. */
  putBegun(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  deleteBegun(): Promise<void>;

  blob(sha256: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Keep a blob if there is room: the least recently used go first. */
  putBlob(sha256: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  deleteBlob(sha256: string): Promise<void>;
  /** The names of all blobs that are kept, none of which is read. */
  blobNames(): Promise<ReadonlySet<string>>;

  held(model: string): Promise<HeldCheckpoint | null>;
  /** Keep the model's newest checkpoint, if there is room, in place of the one before. */
  putHeld(checkpoint: HeldCheckpoint): Promise<void>;
  deleteHeld(model: string): Promise<void>;

  /** The key that the relay at `origin` had at the first visit: `relayKey`, kept, if this is it. */
  pinRelayKey(origin: string, relayKey: string): Promise<string>;

  /** The last device check that was passed; null if none was. */
  deviceCheck(): Promise<PassedCheck | null>;
  /** Keep it in place of the one before, if there is room. */
  putDeviceCheck(check: PassedCheck): Promise<void>;

  /** All that came and went so far. */
  exchanged(): Promise<ExchangedBytes>;
  /** Count this in as well, whoever else counts at the same time. */
  addExchanged(exchanged: ExchangedBytes): Promise<void>;

  /** Delete everything: key, outbox, pieces, what is under way, relays' keys, counts and caches. */
  forget(): Promise<void>;
  close(): Promise<void>;
};

export const MAX_PIECES = 50; // what the page lists
export const MAX_BLOB_CACHE_BYTES = 256 << 20; // the shards of a long evening, within any browser's quota

export const NOTHING_EXCHANGED: ExchangedBytes = { receivedBytes: 0, givenBytes: 0 };

export function sumExchanged(a: ExchangedBytes, b: ExchangedBytes): ExchangedBytes {
  return {
    receivedBytes: a.receivedBytes + b.receivedBytes,
    givenBytes: a.givenBytes + b.givenBytes,
  };
}

/** The newest MAX_PIECES of `pieces`, newest first. */
export function newestPieces(pieces: readonly Piece[]): readonly Piece[] {
  return [...pieces].sort((a, b) => b.createdAt - a.createdAt).slice(0, MAX_PIECES);
}
