import { FormatError } from "../../core/errors.ts";
import type { KeyframeManifest } from "../../core/protocol/schemas/checkpoint.ts";
import { MAX_LIST_CHUNKS } from "../../core/protocol/schemas/swarm.ts";
import { SHARED_STEPS, sharedSteps } from "../../core/swarm/shared-steps.ts";
import { chunksOfManifest } from "../../core/tensors/manifest.ts";
import type { RelayContext } from "../context.ts";
import type { Checkpoints } from "../history/checkpoints.ts";
import type { KeyframeRow } from "../store/sql/versions.ts";
import type { ModelRow } from "../store/tables.ts";
import { createMemo } from "./memo.ts";

const SHARDS_KEPT_MS = 60_000; // a maintainer adds some now and then, and peers tell what they have every minute
const SHARED_KEYFRAMES = 4; // the newest ones, beside version 0: what a newcomer loads, and one that is late

/** How many chunks and bytes a list has. */
export type ListSize = { readonly chunks: number; readonly sizeBytes: number };
/** The size of this model's list; null where it is none that peers are told of. */
export type SharedLists = (model: ModelRow, list: string) => Promise<ListSize | null>;

/** The lists worth sharing: every newcomer loads a keyframe, everybody shards, and a crowd on the move the newest steps. */
export function createSharedLists(
  { history, clock }: Pick<RelayContext, "history" | "clock">,
  { manifestOf }: Pick<Checkpoints, "manifestOf">,
): SharedLists {
  const shardSizes = createMemo<ListSize>(clock);
  const ofHead = createMemo<ReadonlyMap<string, ListSize>>(clock);

  async function newestSteps({ id, head }: ModelRow): Promise<[string, ListSize][]> {
    const rows = (await history.steps(id, Math.max(1, head + 1 - SHARED_STEPS), head)) ?? [];
    const steps = rows.map(({ step, step_bytes }) => ({ step, sizeBytes: step_bytes }));
    return sharedSteps(steps).flatMap(({ step, sizeBytes }) =>
      step === null ? [] : [[step, { chunks: 1, sizeBytes }]],
    );
  }

  async function sharedKeyframes({ id, head }: ModelRow): Promise<[string, ListSize][]> {
    const found: [string, ListSize][] = [];
    let number = head;
    for (let n = 0; n <= SHARED_KEYFRAMES && number >= 0; n++) {
      const keyframe = await history.keyframe(id, n < SHARED_KEYFRAMES ? number : 0);
      if (keyframe === undefined) break;
      const manifest = await soundManifest(keyframe);
      if (manifest !== null) found.push([keyframe.checkpoint, sizeOfKeyframe(manifest)]);
      number = keyframe.number - 1;
    }
    return found;
  }

  /** Null for a damaged one: its chunks are not shared, and all else is. */
  async function soundManifest(keyframe: KeyframeRow): Promise<KeyframeManifest | null> {
    try {
      return await manifestOf(keyframe);
    } catch (error) {
      if (error instanceof FormatError) return null;
      throw error;
    }
  }

  async function listsOf(model: ModelRow): Promise<ReadonlyMap<string, ListSize>> {
    return new Map([...(await newestSteps(model)), ...(await sharedKeyframes(model))]);
  }

  async function sizeOfShards(id: string): Promise<ListSize> {
    const shards = await history.shards(id);
    return {
      chunks: shards.length,
      sizeBytes: shards.reduce((sum, one) => sum + one.size_bytes, 0),
    };
  }

  return async (model, list) => {
    const { id, head } = model;
    const size =
      list === "shards"
        ? await shardSizes({ name: id, state: 0, maxAgeMs: SHARDS_KEPT_MS }, () => sizeOfShards(id))
        : (
            await ofHead({ name: id, state: head, maxAgeMs: Number.POSITIVE_INFINITY }, () =>
              listsOf(model),
            )
          ).get(list);
    return size !== undefined && size.chunks <= MAX_LIST_CHUNKS ? size : null;
  };
}

function sizeOfKeyframe(manifest: KeyframeManifest): ListSize {
  const chunks = chunksOfManifest(manifest);
  const sizeBytes = chunks.reduce((sum, one) => sum + one.sizeBytes, 0);
  return { chunks: chunks.length, sizeBytes };
}
