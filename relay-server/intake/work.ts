import { createHash } from "node:crypto";
import { CLIP_SAMPLE, clipNorm } from "../../core/merge/multiplier.ts";
import {
  decodeOpened,
  type OpenedPatch,
  patchNorm,
  patchValuesBytes,
} from "../../core/patch/patch.ts";
import { segmentStarts } from "../../core/patch/quantiser.ts";
import { refuse, type Verdict } from "../../core/protocol/reject-codes.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import type { MaskCache } from "../content/masks.ts";
import type { ServedModel } from "../context.ts";
import type { ContributionStore } from "../store/store.ts";
import { validateNorm } from "./rules.ts";

/** SHA-256 in hexadecimal, at once: to hand so few bytes to a thread takes six times as long as to hash them. */
export function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export type DeliveredWork = { readonly norm: number; readonly valuesHash: string };

/** Decode the values of a patch in full and weigh them. Throws a FormatError if the bytes are broken. */
export async function readWork(
  positionsOf: MaskCache,
  { layout, recipe }: ServedModel,
  opened: OpenedPatch,
  clipNorm: number | null,
): Promise<({ ok: true } & DeliveredWork) | (Verdict & { ok: false })> {
  const { mask } = opened.header;
  const masked = await positionsOf(layout, mask);
  const patch = decodeOpened(opened, layout, masked?.positions ?? null);
  const isWeighed = recipe.merge.rule === "fisher";
  if ((patch.fisher !== null) !== isWeighed) {
    const message = `Fisher weights ${isWeighed ? "are missing" : "that nobody asked for"}`;
    return refuse("ticket-mismatch", message);
  }
  const segments = masked?.segments ?? segmentStarts(layout, patch.positions ?? new Uint32Array());
  const norm = patchNorm(patch, segments);
  const { training } = recipe;
  const verdict = validateNorm(norm, { count: mask.count, clipNorm, training });
  if (!verdict.ok) return verdict;
  return { ok: true, norm, valuesHash: hashOf(patchValuesBytes(patch)) };
}

/** The norm that a model's merges are clipped at: it changes with the head and the recipe alone, and is kept until then. */
export function createClips(contributions: Pick<ContributionStore, "mergedNorms">) {
  const kept = new Map<string, { readonly of: string; readonly clip: Promise<number | null> }>();
  return ({ id, merge }: Recipe, head: number): Promise<number | null> => {
    const known = kept.get(id);
    const of = `${head} ${merge.clipFactor}`;
    if (known?.of === of) return known.clip;
    const clip = contributions
      .mergedNorms(id, CLIP_SAMPLE)
      .then((norms) => clipNorm(norms, merge.clipFactor));
    kept.set(id, { of, clip });
    clip.catch(() => kept.delete(id)); // the next one asks again
    return clip;
  };
}
