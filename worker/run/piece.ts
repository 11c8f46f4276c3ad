import { publicKeyHex, sha256, signId } from "../../core/crypto/signature.ts";
import { touchLevels } from "../../core/history/cloth.ts";
import { encodeFisherWeights } from "../../core/patch/fisher-weights.ts";
import { encodePatch } from "../../core/patch/patch.ts";
import { quantise, segmentStarts } from "../../core/patch/quantiser.ts";
import { RelayError } from "../../core/protocol/relay-error.ts";
import {
  type TrainingResult,
  type TrainingSnapshot,
  toldLosses,
} from "../../core/training/train.ts";
import type { OutboxEntry } from "../store/store.ts";
import type { AssignedPiece } from "./assignment.ts";
import { keepPace, type Session } from "./session.ts";
import { DIVERGED, StoppedError } from "./words.ts";

/**
 * Train the piece at the run's pace, telling the page step and loss. Gives up with a RelayError
 * "ticket-expired" once `endsAt` is past: the relay would refuse the work. Goes on from a snapshot, if
 * there is one; `onSnapshot` is told those to go on from if the device is lost, and `onStill` the one at which it is paused.
 */
export function train(
  { ticket, task, layout }: AssignedPiece,
  endsAt: number,
  session: Session,
  {
    from,
    onSnapshot,
    onStill,
  }: {
    readonly from: TrainingSnapshot | null;
    readonly onSnapshot: (snapshot: TrainingSnapshot) => void;
    readonly onStill: (snapshot: TrainingSnapshot) => Promise<boolean>;
  },
): Promise<TrainingResult> {
  const { engine, platform, feed, signal } = session;
  const { steps, batch } = ticket.training;
  const done = from?.losses.length ?? 0;
  let told = { step: done, at: platform.steadyMs() };
  const losses = toldLosses(from?.losses ?? [], steps);
  const touches = touchLevels(task.positions, layout.size);
  feed.set({ touches, step: done, steps, losses, examplesPerSecond: 0 });
  return engine.train(task, {
    signal,
    from,
    onSnapshot,
    now: platform.steadyMs,
    async onStep({ step, lossNats }, take) {
      const now = platform.steadyMs();
      if (now > endsAt) {
        const message = `the ticket ran out at step ${step} of ${steps}`;
        throw new RelayError("ticket-expired", "new-ticket", message);
      }
      if (lossNats === null) {
        feed.set({ step });
      } else {
        const seconds = Math.max(now - told.at, 1) / 1000;
        const examplesPerSecond = ((step - told.step) * batch) / seconds;
        const losses = [...feed.current().losses, { step, lossNats }];
        feed.set({ step, losses, examplesPerSecond });
        told = { step, at: now };
      }
      await keepPace(session, take && (async () => onStill(await take())));
    },
  });
}

/** What the piece took before it was sent. */
export type Effort = {
  readonly downloadedBytes: number;
  readonly askMs: number;
  readonly downloadMs: number;
  readonly trainMs: number;
};

/** The training's result as a signed patch, ready for the outbox. */
export async function encodePiece(
  { ticket, layout, task, fisher }: AssignedPiece,
  { delta, lossBefore, lossAfter, examples }: TrainingResult,
  { downloadedBytes, ...times }: Effort,
  { keys, engine, platform, software }: Session,
): Promise<OutboxEntry> {
  if (!delta.every(Number.isFinite)) throw new StoppedError(DIVERGED);
  const startedAt = platform.steadyMs();
  const { positions } = task;
  const isOwn = ticket.mask.kind === "own";
  const header = {
    format: "commonweight.patch/1" as const,
    contributor: await publicKeyHex(keys),
    ticket: ticket.id,
    model: ticket.model,
    base: ticket.base.id,
    mask: isOwn ? { ...ticket.mask, count: positions.length } : ticket.mask,
    shards: ticket.shards.map(({ index }) => index),
    steps: ticket.training.steps,
    examples,
    lossBefore,
    lossAfter,
    licence: "CC0-1.0" as const,
    software,
    device: `${engine.name} ${engine.device}`.slice(0, 120),
  };
  const quantised = quantise(delta, segmentStarts(layout, positions));
  const bytes = encodePatch(
    {
      header,
      ...quantised,
      positions: isOwn ? positions : null,
      fisher: fisher && encodeFisherWeights(fisher),
    },
    layout,
    isOwn ? null : positions,
  );
  const id = await sha256(bytes);
  const signature = await signId("contribution", id, keys.privateKey);
  const piece = {
    id,
    model: ticket.model,
    base: ticket.base.number,
    createdAt: platform.now(),
    sizeBytes: bytes.length,
    downloadedBytes,
    lossBefore,
    lossAfter,
    times: { ...times, encodeMs: platform.steadyMs() - startedAt, uploadMs: 0 },
    sent: "waiting" as const,
    state: null,
    refusal: null,
  };
  return { bytes, signature, piece };
}
