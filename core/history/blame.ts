import { mergeRules } from "../merge/rules.ts";
import { segmentStarts } from "../patch/quantiser.ts";
import type { VersionRecord } from "../protocol/schemas/version.ts";
import type { Layout } from "../tensors/layout.ts";
import { valuesAt } from "../tensors/values-at.ts";
import { type ReplayPatch, replayVersion } from "./replay.ts";

/** What one contribution did to the weights that are asked about. */
export type Blamed = {
  readonly contribution: string;
  readonly contributor: string;
  /** The version that merged it. */
  readonly version: number;
  /** Indices of the shards that it was trained on. */
  readonly shards: readonly number[];
  /** Weights that it moved. */
  readonly entries: number;
  /** Sum of the moves, and of their magnitudes. */
  readonly moved: number;
  readonly distance: number;
};

export type Blame = {
  /** The weights [k] of version 0, and of the version that is asked about. */
  readonly before: Float32Array;
  readonly after: Float32Array;
  /** Whoever moved them, furthest first. */
  readonly contributions: readonly Blamed[];
};

export type BlameTask = {
  readonly layout: Layout;
  /** Parameters [N] of version 0; they stay as they are. */
  readonly base: Float32Array;
  /** Every record from version 1 to the one that is asked about. */
  readonly records: readonly VersionRecord[];
  /** Which weights: flat positions, strictly ascending [k]. */
  readonly positions: Uint32Array;
  readonly patchesOf: (record: VersionRecord) => Promise<ReadonlyMap<string, ReplayPatch>>;
  readonly onVersion?: (number: number) => void;
};

/**
 * Which contributions made some weights what they are: the history is replayed without what it reverted (protocol V7),
 * and a contribution has moved a weight by what its merge would have made of it with multiplier 0 instead. Under the
 * mean the moves of a merge add up to what the rule made of it; four-bit rounding (G21) comes on top and is nobody's.
 */
export async function blameWeights({
  layout,
  base,
  records,
  positions,
  patchesOf,
  onVersion,
}: BlameTask): Promise<Blame> {
  const struck = new Set(records.flatMap(({ revert }) => revert?.contributions ?? []));
  const parameters = new Float32Array(base);
  const contributions: Blamed[] = [];
  for (const record of records) {
    if (record.merge === null) continue;
    const patches = await patchesOf(record);
    contributions.push(...blameMerge(layout, parameters, record, patches, struck, positions));
    const step = replayVersion(layout, parameters, record, patches, struck);
    for (let i = 0; i < step.positions.length; i++) {
      parameters[step.positions[i]!] = step.values[i]!;
    }
    onVersion?.(record.number);
  }
  contributions.sort((a, b) => b.distance - a.distance);
  return {
    before: valuesAt(base, positions),
    after: valuesAt(parameters, positions),
    contributions,
  };
}

function blameMerge(
  layout: Layout,
  parameters: Float32Array,
  { number, merge }: VersionRecord,
  patches: ReadonlyMap<string, ReplayPatch>,
  struck: ReadonlySet<string>,
  wanted: Uint32Array,
): Blamed[] {
  const inputs = (merge?.inputs ?? []).map(({ contribution, contributor, multiplier, fork }) => {
    const { patch, positions } = patches.get(contribution)!; // the caller's, of this record
    return {
      contribution,
      contributor,
      patch,
      shards: fork === undefined ? patch.header.shards : [], // a fork's are no shards of this model
      positions,
      codes: patch.codes,
      scales: patch.scales,
      segments: segmentStarts(layout, positions),
      multiplier: struck.has(contribution) ? 0 : multiplier,
      fisher: patch.fisher,
    };
  });
  const { rule, outerStep } = merge!; // the caller has looked
  const mergeOf = (all: typeof inputs) =>
    valuesAfter(wanted, parameters, mergeRules[rule]({ base: parameters, inputs: all, outerStep }));
  let merged: Float32Array | null = null;
  const blamed: Blamed[] = [];
  for (const input of inputs) {
    if (input.multiplier === 0 || !speaksOf(input, wanted)) continue;
    merged ??= mergeOf(inputs);
    const without = mergeOf(
      inputs.map((each) => (each === input ? { ...each, multiplier: 0 } : each)),
    );
    let entries = 0;
    let moved = 0;
    let distance = 0;
    for (let i = 0; i < wanted.length; i++) {
      const move = merged[i]! - without[i]!;
      if (move !== 0) entries++;
      moved += move;
      distance += Math.abs(move);
    }
    if (entries === 0) continue;
    const { contribution, contributor, shards } = input;
    blamed.push({ contribution, contributor, version: number, shards, entries, moved, distance });
  }
  return blamed;
}

/** Whether a patch has a value other than 0 at one of the wanted positions; both lists ascend. */
function speaksOf(
  { positions, codes }: { readonly positions: Uint32Array; readonly codes: Int8Array },
  wanted: Uint32Array,
): boolean {
  for (let i = 0, j = 0; i < positions.length && j < wanted.length; ) {
    if (positions[i]! < wanted[j]!) i++;
    else if (positions[i]! > wanted[j]!) j++;
    else if (codes[i] !== 0) return true;
    else i++;
  }
  return false;
}

/** The values at the wanted positions after a step; both lists of positions ascend. */
function valuesAfter(
  wanted: Uint32Array,
  parameters: Float32Array,
  step: { readonly positions: Uint32Array; readonly values: Float32Array },
): Float32Array {
  const values = valuesAt(parameters, wanted);
  for (let i = 0, j = 0; i < step.positions.length && j < wanted.length; ) {
    if (step.positions[i]! < wanted[j]!) i++;
    else if (step.positions[i]! > wanted[j]!) j++;
    else values[j++] = step.values[i++]!;
  }
  return values;
}
