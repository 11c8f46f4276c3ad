import { sha256, signId } from "../../core/crypto/signature.ts";
import { encodeFisherWeights } from "../../core/patch/fisher-weights.ts";
import { encodePatch } from "../../core/patch/patch.ts";
import { MAX_CODE, type Quantised, quantise, segmentStarts } from "../../core/patch/quantiser.ts";
import type { PatchHeader } from "../../core/protocol/schemas/contribution.ts";
import type { Mask } from "../../core/protocol/schemas/mask.ts";
import type { VersionRecord } from "../../core/protocol/schemas/version.ts";
import type { Examples } from "../../core/training/examples.ts";
import type { Evaluation } from "../../core/training/metrics.ts";
import { trainDelta } from "../../core/training/train.ts";
import { joinShards } from "./shards.ts";
import type { SimModel } from "./sim-model.ts";
import type { SimVolunteer } from "./volunteer.ts";

/** A published version, with its parameters in memory. */
export type Version = {
  readonly id: string;
  readonly record: VersionRecord;
  /** [N] */
  readonly parameters: Float32Array;
  /** On the report set, which nothing else looks at. */
  readonly report: Evaluation;
};

/** What a ticket says, with base and mask already loaded. */
export type SimPiece = {
  readonly ticket: string;
  readonly volunteer: SimVolunteer;
  readonly base: Version;
  readonly mask: Mask;
  /** The mask's positions [k]. */
  readonly positions: Uint32Array;
  /** The volunteer's Fisher information there [k]; null where the merge does not ask for it. */
  readonly fisher: Float32Array | null;
  /** Indices into the model's shards and, after them, its replay shards. */
  readonly shards: readonly number[];
  readonly seed: number;
};

/** A contribution as it would travel. */
export type SentPatch = {
  readonly id: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly signature: string;
  readonly piece: SimPiece;
};

/** What a piece is trained on, and which positions. */
export type PieceTask = Pick<SimPiece, "positions" | "shards" | "seed"> & {
  readonly base: Pick<Version, "parameters">;
};

/** The examples of the piece's shards. */
export function examplesOf(model: SimModel, { shards }: Pick<SimPiece, "shards">): Examples {
  return joinShards(model, shards);
}

/** What training the piece comes to [k], with what a liar changes about it. */
export async function trainPiece(
  model: SimModel,
  piece: PieceTask,
  changes: {
    readonly examples?: Examples;
    readonly steps?: number;
    readonly parameters?: Float32Array;
  } = {},
): Promise<Float32Array> {
  const { architecture, training } = model.recipe;
  const {
    examples = examplesOf(model, piece),
    steps = training.steps,
    parameters = piece.base.parameters,
  } = changes;
  const { positions, seed } = piece;
  const task = { architecture, parameters, positions, examples, seed };
  return (await trainDelta({ ...task, training: { ...training, steps } })).delta;
}

/** Quantise, encode and sign `delta` [k] as the piece's work. */
export async function packPatch(
  { recipe, layout }: SimModel,
  piece: SimPiece,
  delta: Float32Array,
): Promise<SentPatch> {
  const { volunteer, mask, positions, fisher } = piece;
  const { steps, batch } = recipe.training;
  const header: PatchHeader = {
    format: "commonweight.patch/1",
    contributor: volunteer.publicKey,
    ticket: piece.ticket,
    model: recipe.id,
    base: piece.base.id,
    mask: { ...mask, count: positions.length },
    shards: [...piece.shards],
    steps,
    examples: steps * batch,
    lossBefore: 0, // nothing that the relay does depends on what a volunteer says of its losses
    lossAfter: 0,
    licence: "CC0-1.0",
    software: "simulation",
    device: "simulation",
  };
  const isOwn = mask.kind === "own";
  const values = quantiseHeld(delta, segmentStarts(layout, positions));
  const bytes = encodePatch(
    {
      header,
      ...values,
      positions: isOwn ? positions : null,
      fisher: fisher && encodeFisherWeights(fisher),
    },
    layout,
    isOwn ? null : positions,
  );
  const id = await sha256(bytes);
  const signature = await signId("contribution", id, volunteer.keys.privateKey);
  return { id, bytes, signature, piece };
}

/** As a patch holds it; what a training that diverged would send is judged, too: the nearest values to it. */
export function quantiseHeld(delta: Float32Array, segments: Uint32Array): Quantised {
  return quantise(delta.map(heldByPatch), segments);
}

function heldByPatch(value: number): number {
  return Number.isNaN(value) ? MAX_CODE : Math.max(-MAX_CODE, Math.min(MAX_CODE, value));
}
