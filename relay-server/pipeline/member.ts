import { assert } from "../../core/errors.ts";
import {
  decodePatch,
  decodePatchHeader,
  dequantisePatch,
  type Patch,
} from "../../core/patch/patch.ts";
import { segmentStarts } from "../../core/patch/quantiser.ts";
import type { Layout } from "../../core/tensors/layout.ts";
import type { RelayContext } from "../context.ts";
import type { Waiting } from "../ledger/judging.ts";
import type { MaskCache, MaskPositions } from "../masks.ts";
import type { Head } from "./head.ts";

/** A contribution that waits, decoded. */
export type Member = MaskPositions & { readonly row: Waiting; readonly patch: Patch };

/** Read back what intake accepted. */
export async function readMember(
  { ledger }: RelayContext,
  positionsOf: MaskCache,
  { layout }: Head,
  row: Waiting,
): Promise<Member> {
  const bytes = await ledger.waitingBytes(row.id);
  assert(bytes !== undefined, `${row.id} waits without its bytes`);
  return { row, ...(await readPatch(positionsOf, layout, bytes)) };
}

/** Decode a patch that intake accepted, under the mask that its header names. */
export async function readPatch(
  positionsOf: MaskCache,
  layout: Layout,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<MaskPositions & { readonly patch: Patch }> {
  const masked = await positionsOf(layout, decodePatchHeader(bytes).mask);
  const patch = decodePatch(bytes, layout, masked?.positions ?? null);
  const positions = masked?.positions ?? patch.positions ?? new Uint32Array();
  const segments = masked?.segments ?? segmentStarts(layout, positions);
  return { patch, positions, segments };
}

/** The values [k] of `parameters` at the member's positions after `share` of its delta. */
export function steppedValues(
  { patch, positions, segments }: Member,
  parameters: Float32Array,
  share: number,
): Float32Array {
  const delta = dequantisePatch(patch, segments);
  return Float32Array.from(positions, (position, i) => parameters[position]! + share * delta[i]!);
}
