import { CLIP_SAMPLE, clipNorm } from "../../core/merge/multiplier.ts";
import { decodePatch, patchNorm, patchValuesId } from "../../core/patch/patch.ts";
import { segmentStarts } from "../../core/patch/quantiser.ts";
import { refuse, type Verdict } from "../../core/protocol/reject-codes.ts";
import type { PatchHeader } from "../../core/protocol/schemas/contribution.ts";
import type { MaskCache } from "../content/masks.ts";
import type { RelayContext, ServedModel } from "../context.ts";
import { validateNorm } from "./rules.ts";

export type DeliveredWork = { readonly norm: number; readonly valuesHash: string };

/** Decode the values of a patch in full and weigh them; a FormatError if the bytes are broken. */
export async function readWork(
  { ledger }: RelayContext,
  positionsOf: MaskCache,
  { layout, recipe }: ServedModel,
  header: PatchHeader,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<({ ok: true } & DeliveredWork) | (Verdict & { ok: false })> {
  const masked = await positionsOf(layout, header.mask);
  const patch = decodePatch(bytes, layout, masked?.positions ?? null);
  const isWeighed = recipe.merge.rule === "fisher";
  if ((patch.fisher !== null) !== isWeighed) {
    const message = `Fisher weights ${isWeighed ? "are missing" : "that nobody asked for"}`;
    return refuse("ticket-mismatch", message);
  }
  const segments = masked?.segments ?? segmentStarts(layout, patch.positions ?? new Uint32Array());
  const norm = patchNorm(patch, segments);
  const norms = await ledger.mergedNorms(header.model, CLIP_SAMPLE);
  const verdict = validateNorm(norm, {
    count: header.mask.count,
    clipNorm: clipNorm(norms, recipe.merge.clipFactor),
    training: recipe.training,
  });
  if (!verdict.ok) return verdict;
  return { ok: true, norm, valuesHash: await patchValuesId(patch) };
}
