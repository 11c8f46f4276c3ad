import { decodePositions } from "../../core/patch/positions.ts";
import { randomPositions } from "../../core/patch/random-mask.ts";
import type { Ticket } from "../../core/protocol/schemas/ticket.ts";
import type { Layout } from "../../core/tensors/layout.ts";
import { decodeAll } from "../../core/training/examples.ts";
import type { TrainingTask } from "../../core/training/train.ts";
import { loadBase } from "../link/base-loading.ts";
import { type BlobSource, loadBlobs, loadChunks } from "../link/blob-loading.ts";
import { offerKept } from "../link/kept-chunks.ts";
import { keepPace, type Session } from "./session.ts";
import { NO_FISHER_POLICY, StoppedError } from "./words.ts";

/** A ticket and what was fetched for it. */
export type Assignment = {
  readonly ticket: Ticket;
  readonly layout: Layout;
  readonly task: Omit<TrainingTask, "positions">;
  /** The mask [k]; null where it is the volunteer's own to choose. */
  readonly positions: Uint32Array | null;
};

/** A ticket that can be trained. */
export type AssignedPiece = {
  readonly ticket: Ticket;
  readonly layout: Layout;
  readonly task: TrainingTask;
  /** Fisher information at the mask's positions [k]; null where the merge does not ask for it. */
  readonly fisher: Float32Array | null;
};

/** Fetch what the ticket names: base, mask and shards, each checked by its hash. */
export async function loadAssignment(
  ticket: Ticket,
  session: Session,
  source: BlobSource,
): Promise<Assignment> {
  const { recipe, shards: count } = session.card;
  const { architecture } = recipe;
  const layout = session.engine.layoutOf(architecture);
  await offerKept(ticket, source, session.swarm);
  const parameters = await loadBase(ticket, layout, source);
  const positions = await loadMask(ticket, layout, source);
  const list = { kind: "shards", model: ticket.model, list: "shards", count } as const;
  const shards = await loadChunks([{ list, chunks: ticket.shards }], source);
  const nameOf = (i: number) => `shard ${ticket.shards[i]?.index}`;
  const examples = decodeAll(shards, architecture, nameOf);
  const { training, seed } = ticket;
  const task = { architecture, parameters, examples, training, seed };
  return { ticket, layout, task, positions };
}

async function loadMask(
  { mask }: Ticket,
  layout: Layout,
  source: BlobSource,
): Promise<Uint32Array | null> {
  switch (mask.kind) {
    case "random":
      return randomPositions(mask.seed, mask.count, layout.size);
    case "shared": {
      const sizeBytes = 4 * mask.count; // a gap never takes more than a whole word
      const [bytes] = await loadBlobs([{ sha256: mask.positions, sizeBytes }], source);
      return decodePositions(bytes!, mask.count, layout.size);
    }
    case "own":
      return null;
  }
}

/** Settle what the piece changes, at the run's pace: an own mask takes a look at the ticket's examples. */
export async function preparePiece(
  { positions: given, ...assignment }: Assignment,
  session: Session,
): Promise<AssignedPiece> {
  const { engine, signal, card } = session;
  const { task, ticket } = assignment;
  const { mask, merge } = card.recipe;
  const needsFisher = given === null || merge.rule === "fisher";
  if (needsFisher && mask.fisher === undefined) throw new StoppedError(NO_FISHER_POLICY);
  const onProgress = () => keepPace(session);
  const { positions, fisher } = await engine.preparePieceMask(
    task,
    card.recipe,
    { given, count: ticket.mask.count },
    { signal, onProgress },
  );
  return { ...assignment, task: { ...task, positions }, fisher };
}
