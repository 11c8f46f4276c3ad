import { loadAhead } from "../ahead.ts";
import type { SignedAct } from "../protocol/schemas/act.ts";
import type { VersionRecord } from "../protocol/schemas/version.ts";
import type { Layout } from "../tensors/layout.ts";
import { nameCheckpoint } from "../tensors/manifest.ts";
import { type ActPin, actId, type ModelStanding, verifyActs } from "./act.ts";
import { downloadVersion, type HeldVersion } from "./downloaded-version.ts";
import { countGates, createGateChecks, type EvaluatePackets } from "./gate-checks.ts";
import { faultAt, HistoryError } from "./history-fault.ts";
import { type HistorySource, loadKeyframe } from "./history-source.ts";
import { verifyUpstream } from "./lineage.ts";
import { createPatchReader } from "./merged-patches.ts";
import { newlyOpened } from "./opened-packets.ts";
import { recipeHash } from "./recipe-change.ts";
import { type Pin, pinOf, readVerifiedChain } from "./verified-chain.ts";
import { verifyData } from "./verify-data.ts";
import { verifySuites } from "./verify-suites.ts";
import type { VerifiedVersion } from "./version.ts";
import { walkHistory } from "./walked-history.ts";

export type HistoryReport = ModelStanding & {
  readonly model: string;
  /** To be remembered for the next visit. */
  readonly pin: Pin;
  readonly versions: number;
  /** Contributions that were merged, those of them that were reverted, and who made them all. */
  readonly merged: number;
  readonly reverted: number;
  readonly contributors: number;
  /** Gates on fresh packets, which anyone can recompute, and gates on examples that were used again, which only the relay knows. */
  readonly gates: { readonly fresh: number; readonly reused: number };
};

export type VerifyOptions = {
  /** From the last visit; null at the first one, which then trusts the key of version 0. */
  readonly pin: Pin | null;
  /** The key that must have signed, where the reader has it from elsewhere. */
  readonly relayKey?: string | undefined;
  /** Compare what the source serves for downloading too: every delta step and keyframe. */
  readonly full?: boolean;
  /** Runs models: then every gate on fresh packets is recomputed too (V13). */
  readonly evaluate?: EvaluatePackets | undefined;
  /** Hears the version whose record, then whose parameters were verified. */
  readonly onProgress?: (phase: "records" | "merges", version: number, head: number) => void;
  readonly signal?: AbortSignal;
};

const PATCHES_AHEAD = 2; // versions; one's patches are megabytes in a crowd

/**
 * Recompute a model's public record (protocol V): hashes, signatures, the chain, and every version's parameters from the
 * patches, bit by bit. Time and downloads grow with the history, memory with the model. Throws a HistoryError that names
 * the first thing that does not hold, a RelayError where the source cannot be reached, and the signal's reason.
 */
export async function verifyHistory(
  source: HistorySource,
  { pin, relayKey, full = false, evaluate, onProgress, signal }: VerifyOptions,
): Promise<HistoryReport> {
  const stop = signal === undefined ? {} : { signal };
  const chain = await readVerifiedChain(source, {
    ...stop,
    pin,
    relayKey,
    onRecord: (version, head) => onProgress?.("records", version, head),
  });
  await verifyUpstream(source, chain[0]!.record, stop); // a chain has version 0
  const acts = await source.acts(stop);
  const verdict = await verifyActs(acts, chain);
  if (!verdict.ok) throw new HistoryError(verdict.fault, null, verdict.message);
  await expectKnownAct(acts, pin?.act);
  await verifySuites(source, chain, verdict.standing.suites, stop);
  await verifyData(source, verdict.standing.data, stop);
  const { recipe } = verdict.standing;
  if (
    recipe !== null &&
    (await recipeHash(recipe)) !== (await recipeHash(await source.recipe(stop)))
  ) {
    const message = "the recipe that is served is not the one of the last act about it";
    throw new HistoryError("act-recipe", null, message);
  }
  let last = 0;
  try {
    for await (const version of replayedVersions(source, chain, { ...stop, full, evaluate })) {
      last = version;
      onProgress?.("merges", version, chain.length - 1);
    }
  } catch (error) {
    throw faultAt(last + 1, error);
  }
  const records = chain.map(({ record }) => record);
  const inputs = records.flatMap(({ merge }) => merge?.inputs ?? []);
  const reverted = records.flatMap(({ revert }) => revert?.contributions ?? []);
  return {
    model: source.model,
    pin: { ...pinOf(chain), ...(verdict.newest && { act: verdict.newest }) },
    versions: chain.length,
    merged: inputs.length,
    reverted: reverted.length,
    ...verdict.standing,
    gates: countGates(records),
    contributors: new Set(inputs.map(({ contributor }) => contributor)).size,
  };
}

/** The act of the last visit must still be there (protocol V10). Throws a HistoryError where it is not. */
async function expectKnownAct(
  acts: readonly SignedAct[],
  known: ActPin | undefined,
): Promise<void> {
  if (known === undefined) return;
  const act = acts[known.number];
  if (act === undefined) {
    const message = `the acts were rolled back: there are ${acts.length}, and act ${known.number} was there at the last visit`;
    throw new HistoryError("rolled-back", null, message);
  }
  const id = await actId(act.record);
  if (id === known.id) return;
  const message = `the acts were rewritten: act ${known.number} was ${known.id} at the last visit and is ${id}`;
  throw new HistoryError("rewritten", null, message);
}

/** The number of each version from 1 on, once its parameters are what the record says. */
async function* replayedVersions(
  source: HistorySource,
  chain: readonly VerifiedVersion[],
  {
    full,
    evaluate,
    ...options
  }: {
    readonly full: boolean;
    readonly evaluate: EvaluatePackets | undefined;
    readonly signal?: AbortSignal;
  },
): AsyncGenerator<number> {
  const { layout, parameters } = await readBase(source, chain, options);
  const walked = walkHistory(layout, parameters);
  const records = chain.map(({ record }) => record);
  const gates = evaluate === undefined ? null : createGateChecks(records, evaluate);
  gates?.keep(0, parameters);
  const patchesOf = createPatchReader(source, layout, chain);
  const merged = loadAhead(chain.slice(1), PATCHES_AHEAD, async ({ record }) => ({
    record,
    patches: await patchesOf(record, options),
    packets: await readPackets(source, chain, record, options),
  }));
  for await (const { record, patches, packets } of merged) {
    const before = full ? new Float32Array(walked.parameters) : null;
    await walked.step(
      record,
      async (other) => (other === record ? patches : patchesOf(other, options)),
      options,
    );
    await expectCheckpoint(layout, walked.parameters, record);
    if (before !== null) {
      const from = { number: record.number - 1, layout, parameters: before };
      await expectServed(source, record.number, from, walked.parameters);
    }
    await gates?.check(record, walked.parameters, packets);
    yield record.number;
  }
}

/** The packets that a version opens, by their hash: whoever promised them must have them. */
async function readPackets(
  source: HistorySource,
  chain: readonly VerifiedVersion[],
  { number, packets }: VersionRecord,
  options: { readonly signal?: AbortSignal },
): Promise<ReadonlyMap<string, Uint8Array>> {
  const opening = { before: chain[number - 1]?.record.packets, after: packets };
  const hashes = (chain[0]?.record.suites ?? []).flatMap((suite) => newlyOpened(suite, opening));
  const read = hashes.map(async (hash) => [hash, await source.blob(hash, options)] as const);
  return new Map(await Promise.all(read));
}

/** Version 0's layout and parameters [N]. Throws a HistoryError where they are not what its record says. */
export async function readBase(
  source: HistorySource,
  chain: readonly VerifiedVersion[],
  options: { readonly signal?: AbortSignal },
): Promise<{ layout: Layout; parameters: Float32Array }> {
  const { record } = chain[0]!; // a chain has version 0
  try {
    const base = await loadKeyframe(source, await source.baseManifest(options), options);
    await expectCheckpoint(base.layout, base.parameters, record);
    return base;
  } catch (error) {
    throw faultAt(0, error);
  }
}

/** Throws a HistoryError unless `parameters` [N] are what the record of version `number` says. */
export async function expectCheckpoint(
  layout: Layout,
  parameters: Float32Array,
  { number, checkpoint }: { readonly number: number; readonly checkpoint: string },
): Promise<void> {
  if (!parameters.every(Number.isFinite)) {
    throw new HistoryError("replay", number, "its parameters are not finite");
  }
  const { id } = await nameCheckpoint(layout, parameters);
  if (id === checkpoint) return;
  const message = `its patches lead to checkpoint ${id}, and the record says ${checkpoint}`;
  throw new HistoryError("replay", number, message);
}

/** What the source serves to whoever holds the version `from` must lead to the replayed `parameters` [N]. */
async function expectServed(
  source: HistorySource,
  number: number,
  from: HeldVersion,
  parameters: Float32Array,
): Promise<void> {
  if (source.plan === null) return;
  const { parameters: served } = await downloadVersion(source, source.plan, number, { from });
  if (
    served.length === parameters.length &&
    served.every((value, i) => Object.is(value, parameters[i]))
  )
    return;
  const message = "what is served for downloading is not what the record leads to";
  throw new HistoryError("served", number, message);
}
