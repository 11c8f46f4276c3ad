import { publicKeyHex } from "../../core/crypto/signature.ts";
import { FormatError } from "../../core/errors.ts";
import { verifyTicket } from "../../core/protocol/signed-ticket.ts";
import type { TrainingSnapshot } from "../../core/training/train.ts";
import type { KeptPiece } from "../api.ts";
import type { RunningEngine } from "../device/engine.ts";
import type { AssignedPiece } from "./assignment.ts";
import {
  type BegunPiece,
  decodeBegunPiece,
  encodeBegunPiece,
  MAX_BEGUN_BYTES,
} from "./begun-piece.ts";
import type { Session } from "./session.ts";
import type { WorkToDo } from "./tickets.ts";
import {
  BEGUN_DAMAGED,
  BEGUN_ELSEWHERE,
  BEGUN_EXPIRED,
  BEGUN_FOREIGN,
  describeGoingOn,
} from "./words.ts";

/** What an earlier run left: a piece to go on with, and what the page says of it. */
export type Recalled = {
  readonly begun: { readonly piece: BegunPiece; readonly work: WorkToDo } | null;
  readonly note: string | null;
};
export const NOTHING_BEGUN: Recalled = { begun: null, note: null };

/** The piece that was begun before this run, if it can go on here; else it is dropped, and `note` says why. */
export async function recallPiece(session: Session): Promise<Recalled> {
  const { store, platform } = session;
  const bytes = await store.begun();
  if (bytes === null) return NOTHING_BEGUN;
  let piece: BegunPiece | null = null;
  try {
    piece = await decodeBegunPiece(bytes);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  const fault = piece === null ? BEGUN_DAMAGED : await faultOf(piece, session);
  if (piece === null || fault !== null) {
    await store.deleteBegun();
    return { begun: null, note: fault };
  }
  const { ticket, signature, endsAtMs, snapshot } = piece;
  const endsAt = platform.steadyMs() + endsAtMs - platform.now();
  return {
    begun: { piece, work: { ticket, signature, endsAt } },
    note: describeGoingOn(snapshot.losses.length, ticket.training.steps),
  };
}

/** What there is to say, before anything runs, of the piece that was begun; null without one. */
export async function tellKept(store: Session["store"]): Promise<KeptPiece | null> {
  const begun = await readBegun(store);
  if (begun === null) return null;
  const { ticket, snapshot, endsAtMs } = begun;
  const { model, training } = ticket;
  return { model, step: snapshot.losses.length, steps: training.steps, endsAtMs };
}

/** The ticket of the piece that was begun; null without one. */
export async function ticketOfBegun(store: Session["store"]): Promise<string | null> {
  return (await readBegun(store))?.ticket.id ?? null;
}

/** The piece that was begun; null where there is none, or none that can be read: `recallPiece` says so when a run begins. */
async function readBegun(store: Session["store"]): Promise<BegunPiece | null> {
  try {
    const bytes = await store.begun();
    return bytes && (await decodeBegunPiece(bytes));
  } catch {
    return null; // the page opens and finished work is sent all the same; a lost store has its own words at the next start
  }
}

/** Why a piece cannot go on here, as a sentence; null where it can. */
async function faultOf(
  { ticket, signature, endsAtMs, engine: name, device, positions }: BegunPiece,
  { keys, card, relayKey, engine, platform }: Session,
): Promise<string | null> {
  const isOurs =
    ticket.contributor === (await publicKeyHex(keys)) &&
    ticket.model === card.recipe.id &&
    (await verifyTicket(ticket, signature, relayKey));
  if (!isOurs) return BEGUN_FOREIGN;
  if (platform.now() >= endsAtMs) return BEGUN_EXPIRED;
  if (engine.name !== name || engine.device !== device) return BEGUN_ELSEWHERE;
  const { size } = engine.layoutOf(card.recipe.architecture);
  const isMask = positions.every(
    (position, i) => position < size && !(position <= positions[i - 1]!),
  );
  return isMask ? null : BEGUN_DAMAGED;
}

/** Keeps a piece while it is trained, in place of the snapshot before. */
export type PieceKeeper = {
  /** Keep it if the last time was long ago; nobody waits. */
  keepNowAndThen(snapshot: TrainingSnapshot, engine: RunningEngine): void;
  /** Whether it is kept: a large one is not, nor what the store does not take. */
  keep(snapshot: TrainingSnapshot, engine: RunningEngine): Promise<boolean>;
  /** Resolves when nothing is being written: whoever ends the run waits, so that nothing is kept after it. */
  written(): Promise<void>;
  /** The piece is over: nothing is kept any more. */
  drop(): Promise<void>;
};

const EVERY_MS = 10_000; // what a page's end costs at most; a snapshot of 7 MB is written in a tenth of a second

export function createPieceKeeper(
  { ticket, signature, endsAt }: WorkToDo,
  { task, fisher }: AssignedPiece,
  { store, platform }: Pick<Session, "store" | "platform">,
): PieceKeeper {
  let keptAt = platform.steadyMs();
  let keeping: Promise<unknown> = Promise.resolve(); // one after the other, so that the last one stays

  async function write(snapshot: TrainingSnapshot, engine: RunningEngine): Promise<boolean> {
    const { name, device } = engine;
    const endsAtMs = Math.max(0, Math.round(platform.now() + endsAt - platform.steadyMs()));
    const { positions } = task;
    const rest = { ticket, signature, endsAtMs, engine: name, device, positions, fisher };
    const bytes = await encodeBegunPiece({ ...rest, snapshot });
    if (bytes.length > MAX_BEGUN_BYTES) return false;
    await store.putBegun(bytes);
    return true;
  }
  function keep(snapshot: TrainingSnapshot, engine: RunningEngine): Promise<boolean> {
    keptAt = platform.steadyMs();
    const kept = keeping.then(() => write(snapshot, engine)).catch(() => false); // a store that fails costs the snapshot, not the piece
    keeping = kept;
    return kept;
  }

  return {
    keep,
    keepNowAndThen(snapshot, engine) {
      if (platform.steadyMs() - keptAt >= EVERY_MS) void keep(snapshot, engine);
    },
    async written() {
      await keeping;
    },
    async drop() {
      await keeping;
      await store.deleteBegun();
    },
  };
}
