import { type Likeness, likenessOf } from "../../core/gate/likeness.ts";
import { CLIP_SAMPLE, clipNorm } from "../../core/merge/multiplier.ts";
import { decodePatch, patchNorm } from "../../core/patch/patch.ts";
import { dequantise, segmentStarts } from "../../core/patch/quantiser.ts";
import { comparePlaced } from "../../core/patch/similarity.ts";
import type { Verdict } from "../../core/protocol/reject-codes.ts";
import { validateNorm, validateStaleness } from "../../relay-server/intake/rules.ts";
import type { SentPatch } from "./piece.ts";
import { headOf, maskName, type SimRelay, type SimWaiting } from "./relay.ts";

/** Decode what arrived, as it would wait. */
export function readWaiting(
  { model, merges, ...relay }: SimRelay,
  sent: SentPatch,
  now: number,
): SimWaiting {
  const { piece, bytes, id } = sent;
  const { positions, volunteer, base } = piece;
  const isOwn = piece.mask.kind === "own";
  const patch = decodePatch(bytes, model.layout, isOwn ? null : positions);
  const segments = segmentStarts(model.layout, positions);
  return {
    id,
    contributor: volunteer.publicKey,
    positions,
    codes: patch.codes,
    scales: patch.scales,
    fisher: patch.fisher,
    segments,
    norm: patchNorm(patch, segments),
    merges: merges.get(volunteer.publicKey) ?? 0,
    lag: relay.versions.length - 1 - base.record.number,
    examples: patch.header.examples,
    sent,
    delta: dequantise(patch, segments),
    queuedAt: now,
    postponed: 0,
  };
}

/** Step 6 of the walk: the rules that need no model. */
export function validateIntake(relay: SimRelay, waiting: SimWaiting): Verdict {
  const { merge, training } = relay.model.recipe;
  const { piece } = waiting.sent;
  const head = headOf(relay).record.number;
  const fresh = validateStaleness(piece.base.record.number, head, merge.stalenessLimit);
  if (!fresh.ok) return fresh;
  const count = piece.positions.length;
  return validateNorm(waiting.norm, { count, clipNorm: clipOf(relay), training });
}

export function clipOf({ model, without, mergedNorms }: SimRelay): number | null {
  if (without.has("clip")) return null;
  return clipNorm(mergedNorms.slice(-CLIP_SAMPLE), model.recipe.merge.clipFactor);
}

/** How like it is to what came before it on its mask. */
export function likenessTo({ seen }: SimRelay, waiting: SimWaiting): Likeness {
  const earlier = seen.get(maskName(waiting.sent.piece.mask)) ?? [];
  return likenessOf(
    waiting.contributor,
    earlier.map((other) => ({
      contributor: other.contributor,
      cosine: comparePlaced(waiting, other).cosine,
    })),
  );
}
