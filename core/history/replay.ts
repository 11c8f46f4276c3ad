import { assert } from "../errors.ts";
import type { MergedStep } from "../merge/mean.ts";
import { quantiseStep } from "../merge/quantised-step.ts";
import { mergeRules } from "../merge/rules.ts";
import type { Patch } from "../patch/patch.ts";
import { segmentStarts } from "../patch/quantiser.ts";
import type { VersionRecord } from "../protocol/schemas/version.ts";
import type { Layout } from "../tensors/layout.ts";

/** A merged contribution's patch with the positions of its mask. */
export type ReplayPatch = {
  readonly patch: Patch;
  /** Flat positions [k]; patches of one mask share one array, which makes the merge faster. */
  readonly positions: Uint32Array;
};

/**
 * What the merge recorded in `record` changes in its parent's `parameters` [N] (protocol V6): a pure
 * function of both and of `patches` by contribution id, equal bit for bit on every machine. Whoever
 * applies it and hashes the checkpoint must get `record.checkpoint`. A contribution in `struck` keeps
 * its place with multiplier 0 (protocol V7), so that all others weigh what the record says.
 */
export function replayVersion(
  layout: Layout,
  parameters: Float32Array,
  record: VersionRecord,
  patches: ReadonlyMap<string, ReplayPatch>,
  struck: ReadonlySet<string> = new Set(),
): MergedStep {
  const { merge } = record;
  assert(merge !== null, "replay: this version has no merge");
  const segmentsOf = new Map<Uint32Array, Uint32Array>();
  const inputs = merge.inputs.map(({ contribution, multiplier }) => {
    const entry = patches.get(contribution);
    assert(entry !== undefined, `replay: no patch ${contribution}`);
    const { patch, positions } = entry;
    const segments = segmentsOf.get(positions) ?? segmentStarts(layout, positions);
    segmentsOf.set(positions, segments);
    const { codes, scales, fisher } = patch;
    const weight = struck.has(contribution) ? 0 : multiplier;
    return { positions, codes, scales, segments, multiplier: weight, fisher };
  });
  const merged = mergeRules[merge.rule]({ base: parameters, inputs, outerStep: merge.outerStep });
  return merge.step === undefined ? merged : quantiseStep(parameters, merged);
}
