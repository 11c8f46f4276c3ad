/**
 * What the page sees of the worker: commands in, snapshots out (through comlink). Types only, so
 * that the page can import this file without the engine.
 */
import type { HistoryFault } from "../core/history/history-fault.ts";
import type { Pin } from "../core/history/verified-chain.ts";
import type { HistoryReport } from "../core/history/verify-history.ts";
import type { RejectCode } from "../core/protocol/reject-codes.ts";
import type { ContributionState } from "../core/protocol/schemas/contribution.ts";
import type { IceServers } from "../core/protocol/schemas/swarm.ts";
import type { PeerHave } from "../core/swarm/peer-message.ts";

export type EngineName = "webgpu" | "wasm" | "cpu";

/** What the volunteer's engine is doing. Exactly one at a time. */
export type Phase =
  | "ready" // nothing runs; no GPU work was done unless a piece was trained before
  | "checking" // opening the backend, checking the device
  | "judging" // another's work, as a juror
  | "asking" // for a ticket
  | "downloading"
  | "training"
  | "uploading"
  | "paused"
  | "no-work" // the relay has none; asks again by itself
  | "offline" // the relay does not answer; the outbox waits; tries again by itself
  | "other-tab" // another tab of this browser trains
  | "stopped"; // by an error that waiting does not cure; see `reason`

/** One loss of the running piece: mean training loss in nats over the steps since the last point. */
export type LossPoint = { readonly step: number; readonly lossNats: number };

/** How long each part of a piece took, in ms. */
export type PieceTimes = {
  readonly askMs: number;
  readonly downloadMs: number;
  readonly trainMs: number;
  readonly encodeMs: number;
  readonly uploadMs: number;
};

/** A contribution that this browser made, as far as the worker knows. */
export type Piece = {
  /** SHA-256 of the patch. */
  readonly id: string;
  readonly model: string;
  readonly base: number;
  readonly createdAt: number;
  readonly sizeBytes: number;
  readonly downloadedBytes: number;
  readonly lossBefore: number;
  readonly lossAfter: number;
  readonly times: PieceTimes;
  /** "waiting" in the outbox, "sent" with the relay's receipt, or refused with a code. */
  readonly sent: "waiting" | "sent" | "refused";
  /** The state in the relay's receipt; later changes come by the page's event stream. */
  readonly state: ContributionState | null;
  readonly refusal: { readonly code: RejectCode | string; readonly message: string } | null;
};

/** A piece that was left: a start for its model goes on where it was, on the same device and in time. */
export type KeptPiece = {
  readonly model: string;
  readonly step: number;
  readonly steps: number;
  /** When its ticket ends, by this device's clock. */
  readonly endsAtMs: number;
};

export type Snapshot = {
  readonly phase: Phase;
  /** One plain sentence on why, for the phases that need one; else null. */
  readonly reason: string | null;
  /** Public key, once it exists. */
  readonly contributor: string | null;
  readonly engine: EngineName | null;
  /** The adapter's own words, such as "swiftshader". */
  readonly device: string | null;
  readonly model: string | null;
  readonly base: number | null;
  /** Titles of the shards in the running piece. */
  readonly shards: readonly string[];
  /** Where the running piece's mask reaches, as `Cloth.touched` has it; null until the mask is known. */
  readonly touches: string | null;
  readonly step: number;
  readonly steps: number;
  readonly examplesPerSecond: number;
  readonly losses: readonly LossPoint[];
  readonly download: { readonly doneBytes: number; readonly totalBytes: number };
  /** Newest first, at most 50. */
  readonly pieces: readonly Piece[];
  /** A piece is under way, from its ticket until it is sent, also while it is paused or waits for the relay. */
  readonly underway: boolean;
  /** What was left of a piece; null where none is known of. */
  readonly kept: KeptPiece | null;
  /** True while `finish` waits for the end of the running piece. */
  readonly finishing: boolean;
  /** Share of the time that the device may work, 0.1…1. */
  readonly power: number;
  /** Null while nothing is shared with other volunteers. */
  readonly swarm: SwarmSnapshot | null;
};

export type WorkerApi = {
  /** Open the store and tell `listener` (a comlink proxy) every change of the snapshot, coalesced to 10 a second. No GPU work. */
  open(listener: (snapshot: Snapshot) => void): Promise<void>;
  /** Consent was given: train pieces for `model` until told otherwise. */
  start(options: {
    readonly model: string;
    readonly prefer: "webgpu" | "cpu";
    readonly power: number;
  }): Promise<void>;
  /** Stop within 250 ms, keep the running piece; `resume` goes on where it stopped. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** End after the running piece is sent. */
  finish(): Promise<void>;
  /** Drop the running piece and stop now; what is finished is still sent as soon as the relay answers. */
  stop(): Promise<void>;
  setPower(power: number): Promise<void>;
  /** Pass chunks on to other volunteers and take theirs, over this road to the page; null ends it. */
  share(port: RoadPort<SwarmNews> | null): Promise<void>;
  /** The relay answers again, as the page has heard: what waits for it asks at once. */
  wake(): Promise<void>;
  /** Delete key, outbox, pieces and caches of this device. */
  forget(): Promise<void>;
};

/** An example of the public data, and what each loaded version reads in it. */
export type Disagreement = {
  /** One byte a pixel. */
  readonly pixels: Uint8Array;
  readonly label: number;
  readonly answers: readonly number[];
};

/** A text for the loaded versions to continue. */
export type WritingTask = {
  readonly prompt: string;
  /** How many tokens to write; a byte is one where the model has no tokenizer. */
  readonly length: number;
  /** 0 takes the likeliest token each time. */
  readonly temperature: number;
  readonly seed: number;
};

/**
 * Trying versions of a model, in a worker of its own beside the one that trains, on the CPU alone: no
 * GPU is touched and no key is made. An error's message is a sentence that the page can show.
 */
export type TrialApi = {
  /** Fetch these versions, checked by their ids, in place of those that were loaded; a load under way is dropped. */
  load(
    wanted: {
      readonly model: string;
      readonly versions: readonly { readonly number: number; readonly id: string }[];
    },
    onProgress: (doneBytes: number, totalBytes: number) => void,
  ): Promise<void>;
  /** How probable each loaded version takes each class to be: [outputs] each, in the order they were wanted. */
  predict(pixels: Uint8Array): Promise<readonly Float32Array[]>;
  /**
   * Examples of the public data that the loaded versions read differently, and one of them right: of one shard, the fewest
   * bytes that show where versions differ, at most `most`.
   */
  disagreements(model: string, most: number): Promise<readonly Disagreement[]>;
  /** Every loaded version continues the prompt; `onText`, awaited, hears its place in the order and what it has written so far. */
  write(
    task: WritingTask,
    onText: (place: number, text: string) => void | Promise<void>,
  ): Promise<void>;
  /** End the writing after the token that is under way. */
  stop(): Promise<void>;
};

/** What came of recomputing a history: what was found, or the first thing that does not hold. */
export type HistoryVerdict =
  | ({ readonly holds: true } & HistoryReport)
  | {
      readonly holds: false;
      readonly fault: HistoryFault;
      /** Null where it is the history as a whole. */
      readonly version: number | null;
      readonly message: string;
    };

/** Recomputing a model's public record, in a worker of its own. */
export type VerifyApi = {
  /** `pin` is from the last visit, null at the first one. An error's message is for people: the relay does not answer. */
  verify(
    task: { readonly model: string; readonly pin: Pin | null },
    onProgress: (phase: "records" | "merges", version: number, head: number) => void,
  ): Promise<HistoryVerdict>;
};

/** What a visitor does with this device's key, in a worker of its own. An error's message is a sentence that the page can show. */
export type IdentityApi = {
  /** This device's public key; null while it has none. */
  contributor(): Promise<string | null>;
  /** Call the key `own` so from now on; null takes the name back. Rejects where this device has another key. */
  setName(name: string | null, own: string): Promise<void>;
  /** The key `own` as 24 words; null for one that the browser does not let out. Rejects where this device has another key. */
  words(own: string): Promise<string | null>;
  /** The public key that words stand for. */
  contributorOf(words: string): Promise<string>;
  /**
   * Take the key that words stand for in place of `own`, this device's as the visitor saw it; null for none. Rejects while a
   * tab trains or sends, and where the device has another key, which would be lost unseen.
   */
  restore(words: string, own: string | null): Promise<void>;
};

/** What is used of a MessagePort that brings messages of type In. */
export type RoadPort<In> = {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener(type: "message", hear: (event: { readonly data: In }) => void): void;
  start(): void;
  close(): void;
};

/** What the page's side of the swarm is told to do by the engine; peers are named by their ids at the relay's signalling. */
export type SwarmOrder =
  /** Become a peer. */
  | { readonly kind: "open"; readonly iceServers: IceServers }
  | { readonly kind: "connect" | "drop"; readonly peer: string }
  | { readonly kind: "tell"; readonly peer: string; readonly message: PeerHave }
  | {
      readonly kind: "want";
      readonly peer: string;
      readonly request: number;
      readonly chunk: string;
      readonly sizeBytes: number;
    }
  /** `cut`: as `cancel`, and the news of that kind brings what came. */
  | { readonly kind: "cancel" | "cut" | "refuse"; readonly peer: string; readonly request: number }
  /** The bytes change hands: their buffer is transferred. */
  | {
      readonly kind: "serve";
      readonly peer: string;
      readonly request: number;
      readonly bytes: Uint8Array<ArrayBuffer>;
    }
  /** Be a peer no more; the road ends. */
  | { readonly kind: "close" };

/** What the page's side of the swarm tells the engine. */
export type SwarmNews =
  /** Others can find this page under this id; the token proves to the relay that it is this page's. */
  | { readonly kind: "open"; readonly peer: string; readonly token: string }
  /** The relay's signalling does not answer; connections stay. */
  | { readonly kind: "away" }
  /** This browser lets no page connect to another. */
  | { readonly kind: "blocked" }
  | { readonly kind: "joined" | "left"; readonly peer: string }
  | { readonly kind: "told"; readonly peer: string; readonly message: PeerHave }
  | {
      readonly kind: "wanted";
      readonly peer: string;
      readonly request: number;
      readonly chunk: string;
    }
  /** All bytes of a wanted chunk, not checked; their buffer is transferred. */
  | {
      readonly kind: "came";
      readonly peer: string;
      readonly request: number;
      readonly bytes: Uint8Array<ArrayBuffer>;
    }
  | { readonly kind: "refused"; readonly peer: string; readonly request: number }
  /** So many bytes of a wanted chunk are here; told a few times for each. */
  | {
      readonly kind: "coming";
      readonly peer: string;
      readonly request: number;
      readonly filled: number;
    }
  /**
   * The first `filled` bytes of a wanted chunk, whose peer is leaving or was told to send no more. `bytes` has room for all unless
   * nothing came, and is transferred.
   */
  | {
      readonly kind: "cut";
      readonly peer: string;
      readonly request: number;
      readonly bytes: Uint8Array<ArrayBuffer>;
      readonly filled: number;
    }
  /** So many bytes of a served chunk went: all, or those until it was cancelled. */
  | {
      readonly kind: "sent";
      readonly peer: string;
      readonly request: number;
      readonly bytes: number;
    }
  /** The peer broke a rule of the protocol, and was dropped. */
  | { readonly kind: "broke"; readonly peer: string };

/** What passing on chunks has come to in this visit. */
export type SwarmSnapshot = {
  readonly state:
    | "opening"
    | "open"
    | "away" // the relay's signalling does not answer
    | "blocked" // this browser lets no page connect to another
    | "unserved"; // the relay brings no volunteers together
  /** Those who are connected now. */
  readonly peers: readonly {
    /** The first characters of its id. */
    readonly name: string;
    readonly receivedBytes: number;
    readonly sentBytes: number;
  }[];
  readonly fromPeersBytes: number;
  readonly fromRelayBytes: number;
  readonly toPeersBytes: number;
  /** Connections that were tried from here, and those of them that came about. */
  readonly tried: number;
  readonly connected: number;
  /** Chunks that were thrown away, whose bytes were others than they should be. */
  readonly wrongChunks: number;
};
