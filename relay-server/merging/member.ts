import type { Member as JudgedMember } from "../../core/merge/member.ts";
import { decodeOpened, openPatch, type Patch } from "../../core/patch/patch.ts";
import { segmentStarts } from "../../core/patch/quantiser.ts";
import type { Mask } from "../../core/protocol/schemas/mask.ts";
import type { Layout } from "../../core/tensors/layout.ts";
import type { MaskCache, MaskPositions } from "../content/masks.ts";
import type { RelayContext } from "../context.ts";
import type { Head } from "../history/head.ts";
import type { WaitingContribution } from "../store/sql/judging.ts";

/** A contribution that waits, decoded, the mask that it names, and its row in the ledger. */
export type WaitingMember = JudgedMember & {
  readonly mask: Mask;
  readonly row: WaitingContribution;
};

/** Read back what intake accepted; null if it was refused meanwhile, and its bytes are gone. */
export async function readMember(
  { contributions }: Pick<RelayContext, "contributions">,
  positionsOf: MaskCache,
  { layout, number }: Head,
  row: WaitingContribution,
): Promise<WaitingMember | null> {
  const bytes = await contributions.waitingBytes(row.id);
  if (bytes === undefined) return null;
  const { patch, positions, segments } = await readPatch(positionsOf, layout, bytes);
  const { id, contributor, norm, merged_before: merges, examples } = row;
  const { codes, scales, fisher } = patch;
  const standing = { norm, merges, lag: number - row.base, examples };
  const { mask } = patch.header;
  return { id, contributor, positions, segments, codes, scales, fisher, ...standing, mask, row };
}

/** Decode a patch that intake accepted, under the mask that its header names. */
export async function readPatch(
  positionsOf: MaskCache,
  layout: Layout,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<MaskPositions & { readonly patch: Patch }> {
  const opened = openPatch(bytes);
  const masked = await positionsOf(layout, opened.header.mask);
  const patch = decodeOpened(opened, layout, masked?.positions ?? null);
  const positions = masked?.positions ?? patch.positions ?? new Uint32Array();
  const segments = masked?.segments ?? segmentStarts(layout, positions);
  return { patch, positions, segments };
}
