import { FormatError } from "../../core/errors.ts";
import { RelayError } from "../../core/protocol/relay-error.ts";
import type { CheckpointPlan } from "../../core/protocol/schemas/checkpoint.ts";
import type { Ticket } from "../../core/protocol/schemas/ticket.ts";
import { sharedSteps } from "../../core/swarm/shared-steps.ts";
import { applyDeltaStepInPlace, decodeDeltaStep } from "../../core/tensors/delta-step.ts";
import type { Layout } from "../../core/tensors/layout.ts";
import {
  chunksOfManifest,
  layoutOfManifest,
  nameCheckpoint,
  readKeyframe,
} from "../../core/tensors/manifest.ts";
import type { HeldCheckpoint } from "../store/store.ts";
import type { ListPart } from "../swarm/holdings.ts";
import { type BlobSource, loadBlobs, loadChunks } from "./blob-loading.ts";

/** A version, and the id of its checkpoint. */
type Base = Pick<Ticket["base"], "number" | "checkpoint">;

/**
 * The flat parameters [N] of the base, whose id they were checked against. Made from the version
 * that is held and the delta steps since; where there is none or it leads elsewhere, from a keyframe.
 */
export async function loadBase(
  { model, base }: { readonly model: string; readonly base: Base },
  layout: Layout,
  source: BlobSource,
): Promise<Float32Array> {
  const { store } = source;
  const held = await store.held(model);
  if (held !== null) {
    const parameters = await loadFrom(held, base, layout, source);
    if (parameters !== null) return parameters;
    await store.deleteHeld(model); // of another history, or damaged
  }
  const parameters = await loadFrom(
    { model, version: null, parameters: null },
    base,
    layout,
    source,
  );
  if (parameters !== null) return parameters;
  const message = `version ${base.number}: its parts do not add up to its checkpoint`;
  throw new RelayError("checkpoint-damaged", "retry", message);
}

type Start =
  | HeldCheckpoint
  | { readonly model: string; readonly version: null; readonly parameters: null };

/** The base's parameters, starting from what is held; null if that does not lead to the base. */
async function loadFrom(
  start: Start,
  base: Base,
  layout: Layout,
  source: BlobSource,
): Promise<Float32Array | null> {
  const { client, store, signal } = source;
  if (start.version !== null) {
    if (start.parameters.length !== layout.size || start.version > base.number) return null;
    if (start.version === base.number) {
      return (await leadsTo(base, layout, start.parameters)) ? start.parameters : null;
    }
  }
  const from = start.version === null ? {} : { from: start.version };
  const plan = await client.checkpoint(start.model, base.number, { ...from, signal });
  const parameters = await followPlan(plan, start, layout, source);
  if (parameters === null || !(await leadsTo(base, layout, parameters))) return null;
  await store.putHeld({ model: start.model, version: base.number, parameters });
  return parameters;
}

async function followPlan(
  plan: CheckpointPlan,
  { model, parameters: held }: Start,
  layout: Layout,
  source: BlobSource,
): Promise<Float32Array<ArrayBuffer> | null> {
  let parameters = held;
  if (plan.keyframe !== null) {
    const { manifest } = plan.keyframe;
    const { size } = layoutOfManifest(manifest);
    if (size !== layout.size)
      throw new FormatError(`manifest: ${size} parameters of ${layout.size}`);
    const chunks = await loadChunks([keyframeChunks(model, plan.keyframe)], source, plan.blobs);
    parameters = await readKeyframe(manifest, chunks);
  }
  if (parameters === null) return null;
  if (parameters === held) parameters = new Float32Array(held); // the store's own stay as they are
  for (const bytes of await loadSteps(plan, model, source)) {
    applyDeltaStepInPlace(parameters, decodeDeltaStep(bytes, parameters));
  }
  return parameters;
}

/** The plan's delta steps in their order; peers are asked for the newest large ones as well. */
async function loadSteps(
  { steps, blobs }: CheckpointPlan,
  model: string,
  source: BlobSource,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const parts = stepChunks(model, steps);
  const shared = parts.flatMap(({ chunks }) => chunks);
  const names = new Set(shared.map(({ sha256 }) => sha256));
  const others = steps.filter(({ sha256 }) => !names.has(sha256));
  const ofRelay = await loadBlobs(others, source, blobs);
  const ofAnybody = await loadChunks(parts, source, blobs);
  const came = new Map(
    [...others, ...shared].map(({ sha256 }, i) => [sha256, [...ofRelay, ...ofAnybody][i]!]),
  );
  return steps.map(({ sha256 }) => came.get(sha256)!);
}

/** Those of a plan's steps that peers pass on, each as a list of one chunk. */
export function stepChunks(model: string, steps: CheckpointPlan["steps"]): ListPart[] {
  return sharedSteps(steps).map(({ sha256, sizeBytes }) => ({
    list: { kind: "step", model, list: sha256, count: 1 },
    chunks: [{ index: 0, sha256, sizeBytes }],
  }));
}

/** A keyframe's chunks as a list that peers pass on. */
export function keyframeChunks(
  model: string,
  { manifest, checkpoint }: NonNullable<CheckpointPlan["keyframe"]>,
): ListPart {
  const chunks = chunksOfManifest(manifest).map(({ sha256, sizeBytes }, index) => ({
    index,
    sha256,
    sizeBytes,
  }));
  return { list: { kind: "keyframe", model, list: checkpoint, count: chunks.length }, chunks };
}

/** Whether `parameters` are the checkpoint that the ticket names. */
async function leadsTo(base: Base, layout: Layout, parameters: Float32Array): Promise<boolean> {
  return (await nameCheckpoint(layout, parameters)).id === base.checkpoint;
}
