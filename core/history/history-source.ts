import { limitCalls, loadAhead } from "../ahead.ts";
import { FormatError } from "../errors.ts";
import type { RelayClient } from "../protocol/client.ts";
import type { CallOptions } from "../protocol/http-call.ts";
import type { SignedAct } from "../protocol/schemas/act.ts";
import type { CheckpointPlan, KeyframeManifest } from "../protocol/schemas/checkpoint.ts";
import type { Recipe } from "../protocol/schemas/recipe.ts";
import type { Shard } from "../protocol/schemas/ticket.ts";
import type { SignedVersion } from "../protocol/schemas/version.ts";
import type { Layout } from "../tensors/layout.ts";
import { chunksOfManifest, layoutOfManifest, readKeyframe } from "../tensors/manifest.ts";

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
  /** What the source says are the chunks of version 0. */
  baseManifest(options?: CallOptions): Promise<KeyframeManifest>;
  /** The bytes whose SHA-256 is `id`: patches, positions of masks, manifests, chunks. */
  blob(id: string, options?: CallOptions): Promise<Uint8Array<ArrayBuffer>>;
  /** Null where it serves no checkpoints. */
  readonly plan: VersionPlan | null;
  /** What several steps come to, in one file (protocol T13). */
  readonly difference?: VersionDifference;
};

/** How a source builds version `number`, out of `from` if there is one. */
export type VersionPlan = (
  number: number,
  options: CallOptions & { from?: number },
) => Promise<CheckpointPlan>;

/** The bytes of what leads from version `from` to version `number`; null where the source has none, as where its steps are smaller. */
export type VersionDifference = (
  from: number,
  number: number,
  options: CallOptions,
) => Promise<Uint8Array | null>;

const MOST_REQUESTS = 8; // keeps a relay two continents away busy; browsers open six connections to a host

export function relaySource(
  client: RelayClient,
  model: string,
): HistorySource & { readonly plan: VersionPlan; readonly difference: VersionDifference } {
  const version = limitCalls(MOST_REQUESTS, client.version);
  return {
    model,
    head: async (options) => (await client.model(model, options)).head.number,
    version: (number, options) => version(model, number, options),
    acts: (options) => client.acts(model, options),
    recipe: async (options) => (await client.model(model, options)).recipe,
    shards: async (options) => (await client.shards(model, options)).shards,
    async baseManifest(options) {
      const { keyframe } = await client.checkpoint(model, 0, options);
      if (keyframe === null) throw new FormatError("a plan of version 0 without a keyframe");
      return keyframe.manifest;
    },
    blob: limitCalls(MOST_REQUESTS, client.blob),
    plan: (number, options) => client.checkpoint(model, number, options),
    difference: (from, number, options) => client.difference(model, { from, number }, options),
  };
}

/** The layout and the parameters [N] that a history begins with. */
export type Base = { readonly layout: Layout; readonly parameters: Float32Array };

/**
 * The keyframe that `manifest` lists, chunk after chunk. A FormatError says what of it is not in order, a RelayError what the
 * source does not have. Which checkpoint it is, its hash must say.
 */
export async function loadKeyframe(
  source: HistorySource,
  manifest: KeyframeManifest,
  options: CallOptions,
): Promise<Base> {
  const chunks = loadAhead(chunksOfManifest(manifest), MOST_REQUESTS, ({ sha256 }) =>
    source.blob(sha256, options),
  );
  return { layout: layoutOfManifest(manifest), parameters: await readKeyframe(manifest, chunks) };
}
