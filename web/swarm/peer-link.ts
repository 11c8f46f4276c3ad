import { FormatError } from "../../core/errors.ts";
import {
  decodePeerMessage,
  encodePeerMessage,
  MAX_OPEN_WANTS,
  MAX_PEER_MESSAGE_BYTES,
  type PeerHave,
  type PeerMessage,
} from "../../core/swarm/peer-message.ts";

/** What is used of an RTCDataChannel that is open. */
export type Channel = Pick<RTCDataChannel, "bufferedAmount" | "bufferedAmountLowThreshold"> & {
  send(data: string | Uint8Array<ArrayBuffer>): void;
  addEventListener(type: "bufferedamountlow", hear: () => void): void;
};

/** What a peer says or sends, checked for its form; that a chunk's bytes are its own, their receiver checks. */
export type LinkListener = {
  told(message: PeerHave): void;
  wanted(request: number, chunk: string): void;
  /** All bytes of a wanted chunk; the link keeps no hold on them. */
  came(request: number, bytes: Uint8Array<ArrayBuffer>): void;
  /** So many bytes of a wanted chunk are here. Told once for each eighth of 1 MiB. */
  coming(request: number, filled: number): void;
  /** A wanted chunk will not come. */
  refused(request: number): void;
  /** The first `filled` bytes of a wanted chunk came before the connection ended or `cut`; `bytes` has room for all, unless it is 0. */
  cut(request: number, bytes: Uint8Array<ArrayBuffer>, filled: number): void;
  /** So many bytes of a served chunk went: all, or those until it was cancelled. Told once for each `serve`. */
  sent(request: number, bytes: number): void;
  /** The peer broke a rule: it is to be dropped. */
  broke(message: string): void;
};

export type PeerLink = {
  tell(message: PeerMessage): void;
  /** Ask for a chunk of `sizeBytes`. */
  want(request: number, chunk: string, sizeBytes: number): void;
  /** The chunk came from elsewhere. */
  cancel(request: number): void;
  /** As `cancel`; what came of the chunk is handed over. */
  cut(request: number): void;
  /** Send a chunk that the peer wants, unless it was cancelled; the bytes go from the caller's hands. */
  serve(request: number, bytes: Uint8Array<ArrayBuffer>): void;
  refuse(request: number): void;
  /** Take the peer's next message. */
  take(data: unknown): void;
  /** The connection ended. */
  end(): void;
};

const MAX_BUFFERED_BYTES = 1 << 20; // what is sent ahead is lost when a chunk is cancelled
const LOW_BYTES = 256 << 10; // a tenth of a second at 20 Mbit/s: the line does not run dry meanwhile
const TOLD_BYTES = 128 << 10; // at 20 Mbit/s, every 50 ms
const MAX_TEXTS = 1000; // in ten seconds: fifty chunks a second take a hundred
const COUNTED_MS = 10_000;

type Wanted = { readonly sizeBytes: number; cancelled: boolean };
type Incoming = Wanted & {
  readonly request: number;
  bytes: Uint8Array<ArrayBuffer>;
  filled: number;
};

type Outgoing = { readonly request: number; readonly bytes: Uint8Array<ArrayBuffer>; sent: number };

/**
 * One connection's conversation about chunks (protocol X), over a channel that keeps order. A chunk is cut into
 * messages without a copy and put together with one; what waits in the channel's buffer stays under 1 MiB.
 */
export function openPeerLink(
  channel: Channel,
  listener: LinkListener,
  { steadyMs }: { readonly steadyMs: () => number },
): PeerLink {
  const wanted = new Map<number, Wanted>(); // by me
  const asked = new Map<number, Uint8Array<ArrayBuffer> | null>(); // by the peer; null until its bytes are here
  let incoming: Incoming | null = null;
  let outgoing: Outgoing | null = null;
  let texts = { count: 0, since: steadyMs() };

  channel.bufferedAmountLowThreshold = LOW_BYTES;
  channel.addEventListener("bufferedamountlow", pump);

  function tell(message: PeerMessage): void {
    channel.send(encodePeerMessage(message));
  }

  /** Send on until the channel has enough to do. */
  function pump(): void {
    while (channel.bufferedAmount + MAX_PEER_MESSAGE_BYTES <= MAX_BUFFERED_BYTES) {
      outgoing ??= beginNext();
      if (outgoing === null) return;
      const { request, bytes, sent } = outgoing;
      const piece = bytes.subarray(sent, sent + MAX_PEER_MESSAGE_BYTES);
      channel.send(piece);
      outgoing.sent += piece.length;
      if (outgoing.sent < bytes.length) continue;
      outgoing = null;
      asked.delete(request);
      listener.sent(request, bytes.length);
    }
  }

  function beginNext(): Outgoing | null {
    for (const [request, bytes] of asked) {
      if (bytes === null) continue;
      tell({ type: "begin", request });
      return { request, bytes, sent: 0 };
    }
    return null;
  }

  function refuse(request: number): void {
    const bytes = asked.get(request);
    if (!asked.delete(request)) return;
    const sent = outgoing?.request === request ? outgoing.sent : 0;
    if (outgoing?.request === request) outgoing = null;
    if (bytes !== null) listener.sent(request, sent);
    tell({ type: "refuse", request });
  }

  function takeText(text: string): void {
    const now = steadyMs();
    if (now - texts.since > COUNTED_MS) texts = { count: 0, since: now };
    if (++texts.count > MAX_TEXTS) throw new FormatError(`peer: more than ${MAX_TEXTS} messages`);
    const message = decodePeerMessage(text);
    switch (message.type) {
      case "have":
        listener.told(message);
        break;
      case "want":
        if (asked.has(message.request)) {
          throw new FormatError(`peer: request ${message.request} twice`);
        }
        if (asked.size >= MAX_OPEN_WANTS) throw new FormatError("peer: too many open requests");
        asked.set(message.request, null);
        listener.wanted(message.request, message.chunk);
        break;
      case "begin":
        begin(message.request);
        break;
      case "refuse":
        takeRefusal(message.request);
        break;
      case "cancel":
        refuse(message.request);
        pump();
        break;
    }
  }

  /** Whether there was something to cancel. */
  function cancel(request: number): boolean {
    const chunk = wanted.get(request);
    if (chunk === undefined || chunk.cancelled) return false;
    chunk.cancelled = true;
    tell({ type: "cancel", request });
    return true;
  }

  function begin(request: number): void {
    const chunk = wanted.get(request);
    if (chunk === undefined || incoming !== null) {
      throw new FormatError(`peer: chunk ${request} begins out of turn`);
    }
    const bytes = new Uint8Array(chunk.cancelled ? 0 : chunk.sizeBytes);
    incoming = { ...chunk, request, bytes, filled: 0 };
  }

  function takeRefusal(request: number): void {
    if (incoming?.request === request) incoming = null;
    const chunk = wanted.get(request);
    if (chunk === undefined) return; // its last byte and the cancel crossed
    wanted.delete(request);
    if (!chunk.cancelled) listener.refused(request);
  }

  function takePiece(piece: Uint8Array): void {
    if (incoming === null) throw new FormatError("peer: bytes that nobody asked for");
    const { request, bytes, sizeBytes, filled } = incoming;
    if (piece.length === 0 || piece.length > Math.min(MAX_PEER_MESSAGE_BYTES, sizeBytes - filled)) {
      throw new FormatError(
        `peer: chunk ${request}: ${piece.length} bytes after ${filled} of ${sizeBytes}`,
      );
    }
    const isWanted = wanted.get(request)?.cancelled === false;
    if (isWanted) bytes.set(piece, filled);
    incoming.filled += piece.length;
    if (incoming.filled < sizeBytes) {
      const eighths = Math.floor(incoming.filled / TOLD_BYTES);
      if (isWanted && eighths > Math.floor(filled / TOLD_BYTES)) {
        listener.coming(request, incoming.filled);
      }
      return;
    }
    incoming = null;
    wanted.delete(request);
    if (isWanted) listener.came(request, bytes);
  }

  return {
    tell,
    want(request, chunk, sizeBytes) {
      wanted.set(request, { sizeBytes, cancelled: false });
      tell({ type: "want", request, chunk });
    },
    cancel: (request) => void cancel(request),
    cut(request) {
      const part = incoming?.request === request ? incoming : null;
      if (cancel(request))
        listener.cut(request, part?.bytes ?? new Uint8Array(0), part?.filled ?? 0);
    },
    serve(request, bytes) {
      if (!asked.has(request)) return listener.sent(request, 0); // it was cancelled
      asked.set(request, bytes);
      pump();
    },
    refuse,
    take(data) {
      try {
        if (typeof data === "string") takeText(data);
        else if (data instanceof ArrayBuffer) takePiece(new Uint8Array(data));
        else throw new FormatError("peer: a message that is neither text nor bytes");
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        listener.broke(error.message);
      }
    },
    end() {
      if (incoming === null || incoming.filled === 0) return;
      const { request, bytes, filled } = incoming;
      if (wanted.get(request)?.cancelled === false) listener.cut(request, bytes, filled);
      incoming = null;
    },
  };
}
