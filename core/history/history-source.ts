import { limitCalls } from "../ahead.ts";
import { parseJson } from "../protocol/canonical-json.ts";
import type { RelayClient } from "../protocol/client.ts";
import type { CallOptions } from "../protocol/http-call.ts";
import type { SignedAct } from "../protocol/schemas/act.ts";
import { type CheckpointPlan, manifest as manifestSchema } from "../protocol/schemas/checkpoint.ts";
import type { Recipe } from "../protocol/schemas/recipe.ts";
import type { Shard } from "../protocol/schemas/ticket.ts";
import type { SignedVersion } from "../protocol/schemas/version.ts";
import type { Layout } from "../tensors/layout.ts";
import { decodeCheckpoint, layoutOfManifest } from "../tensors/manifest.ts";

/**
 * Where the public record of a model is read: a relay, or a folder that was cloned from one. Whoever reads it trusts
 * nothing of it but the hashes of its blobs.
 */
export type HistorySource = {
  readonly model: string;
  /** Number of the newest version. */
  head(options?: CallOptions): Promise<number>;
  /** What the source says is version `number`; nothing of it has been verified. */
  version(number: number, options?: CallOptions): Promise<SignedVersion>;
  /** What the source says that maintainers decided; nothing of it has been verified. */
  acts(options?: CallOptions): Promise<readonly SignedAct[]>;
  /** The recipe that the source says the model has. */
  recipe(options?: CallOptions): Promise<Recipe>;
  /** What the source says that volunteers train on, in the order of their indexes. */
  shards(options?: CallOptions): Promise<readonly Shard[]>;
  /** The bytes whose SHA-256 is `id`: patches, positions of masks, manifests, chunks. */
  blob(id: string, options?: CallOptions): Promise<Uint8Array<ArrayBuffer>>;
  /** Null where it serves no checkpoints. */
  readonly plan: VersionPlan | null;
};

/** How a source builds version `number`, out of `from` if there is one. */
export type VersionPlan = (
  number: number,
  options: CallOptions & { from?: number },
) => Promise<CheckpointPlan>;

const MOST_REQUESTS = 8; // keeps a relay two continents away busy; browsers open six connections to a host

export function relaySource(
  client: RelayClient,
  model: string,
): HistorySource & { readonly plan: VersionPlan } {
  const version = limitCalls(MOST_REQUESTS, client.version);
  return {
    model,
    head: async (options) => (await client.model(model, options)).head.number,
    version: (number, options) => version(model, number, options),
    acts: (options) => client.acts(model, options),
    recipe: async (options) => (await client.model(model, options)).recipe,
    shards: async (options) => (await client.shards(model, options)).shards,
    blob: limitCalls(MOST_REQUESTS, client.blob),
    plan: (number, options) => client.checkpoint(model, number, options),
  };
}

/** The layout and the parameters [N] that a history begins with. */
export type Base = { readonly layout: Layout; readonly parameters: Float32Array };

/**
 * The checkpoint with this id, from its manifest and chunks. A FormatError says what of them is not in order, a
 * RelayError what the source does not have; versions without a keyframe have no manifest of their own.
 */
export async function readCheckpoint(
  source: HistorySource,
  id: string,
  options: CallOptions,
): Promise<Base> {
  const manifest = parseJson("manifest", manifestSchema, await source.blob(id, options));
  const layout = layoutOfManifest(manifest);
  const chunks = await Promise.all(manifest.chunks.map((chunk) => source.blob(chunk, options)));
  return { layout, parameters: decodeCheckpoint(manifest, chunks) };
}
