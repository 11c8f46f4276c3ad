import { publicKeyHex, sha256, signId } from "../core/crypto/signature.ts";
import { encodePatch } from "../core/patch/patch.ts";
import { decodePositions } from "../core/patch/positions.ts";
import { quantise, segmentStarts } from "../core/patch/quantiser.ts";
import { randomPositions } from "../core/patch/random-mask.ts";
import { RelayError } from "../core/protocol/relay-error.ts";
import type { Ticket } from "../core/protocol/schemas/ticket.ts";
import type { Layout } from "../core/tensors/layout.ts";
import { decodeExamples, joinExamples } from "../core/training/examples.ts";
import type { TrainingResult, TrainingSnapshot, TrainingTask } from "../core/training/train.ts";
import { loadBase } from "./base-loading.ts";
import { type BlobSource, loadBlobs } from "./blob-loading.ts";
import type { Session } from "./session.ts";
import type { OutboxEntry } from "./store.ts";
import { DIVERGED, OWN_MASK, StoppedError } from "./words.ts";

/** A ticket and what it takes to do it. */
export type Assignment = {
  readonly ticket: Ticket;
  readonly layout: Layout;
  readonly task: TrainingTask;
};

/** Fetch what the ticket names: base, mask and shards, each checked by its hash. */
export async function loadAssignment(
  ticket: Ticket,
  session: Session,
  source: BlobSource,
): Promise<Assignment> {
  const { architecture } = session.card.recipe;
  const layout = session.engine.layoutOf(architecture);
  const parameters = await loadBase(ticket, layout, source);
  const positions = await loadMask(ticket, layout, source);
  const shards = await loadBlobs(ticket.shards, source);
  const examples = joinExamples(
    shards.map((bytes, i) =>
      decodeExamples(`shard ${ticket.shards[i]?.index}`, bytes, architecture),
    ),
  );
  const { training, seed } = ticket;
  const task = { architecture, parameters, positions, examples, training, seed };
  return { ticket, layout, task };
}

async function loadMask(
  { mask }: Ticket,
  layout: Layout,
  source: BlobSource,
): Promise<Uint32Array> {
  switch (mask.kind) {
    case "random":
      return randomPositions(mask.seed, mask.count, layout.size);
    case "shared": {
      const sizeBytes = 4 * mask.count; // a gap never takes more than a whole word
      const [bytes] = await loadBlobs([{ sha256: mask.positions, sizeBytes }], source);
      return decodePositions(bytes!, mask.count, layout.size);
    }
    case "own":
      throw new StoppedError(OWN_MASK);
  }
}

/**
 * Train the assignment at the run's pace, telling the page step and loss. Gives up with a RelayError
 * "ticket-expired" once `endsAt` is past: the relay would refuse the work. Goes on from a snapshot, if
 * there is one; `onSnapshot` is told those to go on from if the device is lost.
 */
export function train(
  { ticket, task }: Assignment,
  endsAt: number,
  { engine, platform, pace, feed, signal }: Session,
  {
    from,
    onSnapshot,
  }: {
    readonly from: TrainingSnapshot | null;
    readonly onSnapshot: (snapshot: TrainingSnapshot) => void;
  },
): Promise<TrainingResult> {
  const { steps, batch } = ticket.training;
  const done = from?.losses.length ?? 0;
  let told = { step: done, at: platform.now() };
  const losses = feed.current().losses.filter(({ step }) => step <= done);
  feed.set({ step: done, steps, losses, examplesPerSecond: 0 });
  return engine.train(task, {
    signal,
    from,
    onSnapshot,
    now: platform.now,
    async onStep({ step, lossNats }) {
      const now = platform.now();
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
      const pausedAt = pace.pausedAt();
      if (pausedAt !== null) {
        await engine.drain();
        feed.setDrained(platform.now() - pausedAt);
      }
      await pace.rest(signal);
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
  { ticket, layout, task }: Assignment,
  { delta, lossBefore, lossAfter, examples }: TrainingResult,
  { downloadedBytes, ...times }: Effort,
  { keys, engine, platform, software }: Session,
): Promise<OutboxEntry> {
  if (!delta.every(Number.isFinite)) throw new StoppedError(DIVERGED);
  const startedAt = platform.now();
  const { positions } = task;
  const header = {
    format: "commonweight.patch/1" as const,
    contributor: await publicKeyHex(keys),
    ticket: ticket.id,
    model: ticket.model,
    base: ticket.base.id,
    mask: ticket.mask,
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
    { header, ...quantised, positions: null, fisher: null },
    layout,
    positions,
  );
  const id = await sha256(bytes);
  const signature = await signId("contribution", id, keys.privateKey);
  const now = platform.now();
  const piece = {
    id,
    model: ticket.model,
    base: ticket.base.number,
    createdAt: now,
    sizeBytes: bytes.length,
    downloadedBytes,
    lossBefore,
    lossAfter,
    times: { ...times, encodeMs: now - startedAt, uploadMs: 0 },
    sent: "waiting" as const,
    state: null,
    refusal: null,
  };
  return { bytes, signature, piece };
}
