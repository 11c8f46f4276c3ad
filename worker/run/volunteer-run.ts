import { RelayError } from "../../core/protocol/relay-error.ts";
import type { TrainingResult } from "../../core/training/train.ts";
import type { Engine } from "../device/engine.ts";
import { type AssignedPiece, type Assignment, loadAssignment, preparePiece } from "./assignment.ts";
import type { BegunPiece } from "./begun-piece.ts";
import {
  createPieceKeeper,
  NOTHING_BEGUN,
  type PieceKeeper,
  type Recalled,
  recallPiece,
} from "./going-on.ts";
import { createJuryDuty } from "./jury-duty.ts";
import { keepPiece, sendOutbox } from "./outbox.ts";
import { encodePiece, train } from "./piece.ts";
import {
  askPatiently,
  openRunEngine,
  openSession,
  pinRelay,
  type Run,
  type Session,
} from "./session.ts";
import { NO_PIECE } from "./snapshot-feed.ts";
import { askForWork, followCard, type WorkToDo } from "./tickets.ts";
import {
  DEVICE_LOST_TWICE,
  DEVICE_REOPENED,
  describeTooLarge,
  PIECE_DAMAGED,
  StoppedError,
} from "./words.ts";

export type RunOptions = {
  readonly model: string;
  readonly prefer: "webgpu" | "cpu";
  /** End after so many. */
  readonly pieces: number;
};

/**
 * Volunteer: send what waits, then ask, train and send piece by piece until no more are wanted. While the
 * snapshot says `finishing`, the piece that is begun or about to be is the last; where that is said while it judges, the piece
 * that is judged.
 */
export async function runVolunteer(run: Run, engine: Engine, options: RunOptions): Promise<void> {
  const { feed, platform, signal } = run;
  if ((await run.store.outbox()).length > 0) await pinRelay(run); // another relay would refuse it for good
  await sendOutbox(run);
  let session = await openSession(run, engine, options);
  let recalled = await recallPiece(session);
  const duty = createJuryDuty((failed) => openRunEngine(failed, engine, options.prefer));
  for (let made = 0; made < options.pieces; made++) {
    if (made > 0 && feed.current().finishing) return;
    if (recalled.begun === null && !feed.current().finishing) {
      session = await duty.serve(session); // not before a begun piece, which has its own base loaded
      if (feed.current().finishing) return;
    }
    const askedAt = platform.steadyMs();
    const work = recalled.begun?.work ?? (await askUntilWork(session));
    if (work === null) return;
    feed.set({ underway: true });
    const askMs = platform.steadyMs() - askedAt;
    try {
      session = await followCard(session, work.ticket);
      const beginning = { work, askMs, recalled };
      session = await makePiece(beginning, session, engine, options.prefer);
    } catch (error) {
      if (!(error instanceof RelayError) || error.action !== "new-ticket") throw error;
      await run.store.deleteBegun(); // its ticket is good for nothing any more
      const isDamaged = DAMAGED.has(error.code);
      if (isDamaged) feed.enter("no-work", PIECE_DAMAGED);
      await platform.sleep(isDamaged ? DAMAGED_PAUSE_MS : 1000, signal); // so that no error makes this a busy loop
    }
    recalled = NOTHING_BEGUN;
    await sendOutbox(run);
    feed.set({ underway: false });
  }
}

const DAMAGED: ReadonlySet<string> = new Set(["blob-damaged", "checkpoint-damaged"]);
const MOST_DAMAGED = 3; // times in a row that a piece's data comes damaged before the piece is given up
const DAMAGED_PAUSE_MS = 30_000; // the relay finds out by itself, and tickets are few

/** A ticket, however long it takes; null if there is none and the volunteer wants to finish. */
async function askUntilWork(session: Session): Promise<WorkToDo | null> {
  const { feed, platform, signal } = session;
  for (;;) {
    feed.enter("asking");
    const work = await askPatiently(session, () => askForWork(session));
    if (work.ticket !== null) return work;
    if (feed.current().finishing) return null;
    feed.enter("no-work", work.refusal.message);
    await platform.sleep(work.refusal.retryAfterSeconds * 1000, signal);
  }
}

/** A ticket, how long it took to get, and what an earlier run left of it. */
type Beginning = {
  readonly work: WorkToDo;
  readonly askMs: number;
  readonly recalled: Recalled;
};

/** Do one ticket's work into the outbox. Returns the session to go on with: a lost device makes a new one. */
async function makePiece(
  beginning: Beginning,
  session: Session,
  engine: Engine,
  prefer: "webgpu" | "cpu",
): Promise<Session> {
  const { askMs, work } = beginning;
  const { ticket } = work;
  const { feed, platform } = session;
  refuseIfTooLarge(ticket, session);
  feed.set({
    ...NO_PIECE,
    base: ticket.base.number,
    shards: ticket.shards.map(({ title }) => title),
    steps: ticket.training.steps,
  });
  const loadingFrom = platform.steadyMs();
  const { assignment, downloadedBytes } = await download(ticket, session);
  const trainingFrom = platform.steadyMs();
  const trained = await trainThroughLoss(assignment, beginning, session, engine, prefer);
  const effort = {
    downloadedBytes,
    askMs,
    downloadMs: trainingFrom - loadingFrom,
    trainMs: platform.steadyMs() - trainingFrom,
  };
  try {
    const entry = await encodePiece(trained.piece, trained.result, effort, trained.session);
    await keepPiece(entry, session);
  } finally {
    await trained.dropBegun(); // also where it came to no patch: trained again it would come to none again
  }
  return trained.session;
}

/** Stop, before anything is fetched, where the device cannot hold the work. */
function refuseIfTooLarge({ training, mask }: WorkToDo["ticket"], { engine, card }: Session): void {
  const sizes = { batch: training.batch, masked: mask.count };
  const largest = engine.largestTensor(card.recipe.architecture, sizes);
  if (largest.sizeBytes <= engine.maxTensorBytes) return;
  throw new StoppedError(describeTooLarge(largest, engine.maxTensorBytes));
}

async function download(
  ticket: WorkToDo["ticket"],
  session: Session,
): Promise<{ assignment: Assignment; downloadedBytes: number }> {
  const { feed, store, client, swarm, pace, signal } = session;
  feed.enter("downloading");
  let downloadedBytes = 0;
  let damaged = 0;
  const assignment = await askPatiently(session, async () => {
    feed.set({ download: { doneBytes: 0, totalBytes: 0 } });
    const progress = {
      expect(bytes: number) {
        const { doneBytes, totalBytes } = feed.current().download;
        feed.set({ download: { doneBytes, totalBytes: totalBytes + bytes } });
      },
      receive(bytes: number) {
        const { doneBytes, totalBytes } = feed.current().download;
        feed.set({ download: { doneBytes: doneBytes + bytes, totalBytes } });
        downloadedBytes += bytes;
      },
    };
    const onBatch = () => pace.pass(signal);
    const source = { store, client, swarm, signal, progress, onBatch };
    try {
      return await loadAssignment(ticket, session, source);
    } catch (error) {
      if (!(error instanceof RelayError) || !DAMAGED.has(error.code)) throw error;
      if (++damaged < MOST_DAMAGED) throw error;
      throw new RelayError(error.code, "new-ticket", error.message); // it lies so on the relay's disk
    }
  });
  return { assignment, downloadedBytes };
}

type Trained = {
  readonly piece: AssignedPiece;
  readonly result: TrainingResult;
  readonly session: Session;
  /** The piece is in the outbox, or given up: what was kept of its training goes. */
  readonly dropBegun: () => Promise<void>;
};

/** The piece whose mask an earlier run chose. */
function goingOn(assignment: Assignment, { positions, fisher }: BegunPiece): AssignedPiece {
  return { ...assignment, task: { ...assignment.task, positions }, fisher };
}

/** Choose the mask and train; after a lost device open it anew and go on from the last snapshot. Gives up at the piece's second loss. */
async function trainThroughLoss(
  assignment: Assignment,
  { work, recalled: { begun, note } }: Beginning,
  session: Session,
  engine: Engine,
  prefer: "webgpu" | "cpu",
): Promise<Trained> {
  let current = session;
  let piece = begun && goingOn(assignment, begun.piece);
  let keeper: PieceKeeper | null = null;
  let from = begun?.piece.snapshot ?? null;
  for (let losses = 0; ; losses++) {
    try {
      await current.pace.pass(current.signal);
      current.feed.enter("training", (losses === 0 ? note : null) ?? current.engine.fallback);
      piece ??= await preparePiece(assignment, current);
      keeper ??= createPieceKeeper(work, piece, session);
      const { keep, keepNowAndThen, drop } = keeper;
      const result = await train(piece, work.endsAt, current, {
        from,
        onSnapshot(snapshot) {
          from = snapshot;
          keepNowAndThen(snapshot, current.engine);
        },
        onStill: (snapshot) => keep(snapshot, current.engine),
      });
      return { piece, result, session: current, dropBegun: drop };
    } catch (error) {
      await keeper?.written();
      const name = error instanceof Error ? error.name : "";
      if (name === "DeviceWrongError") await keeper?.drop(); // what it trained must not go on after a reload
      if (name !== "DeviceLostError") throw error;
      if (losses === 1) throw new StoppedError(DEVICE_LOST_TWICE);
      current.feed.enter("checking", DEVICE_REOPENED);
      current = { ...current, engine: await openRunEngine(current, engine, prefer) };
    }
  }
}
