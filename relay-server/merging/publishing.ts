import { type GatePackets, openMore } from "../../core/gate/packets.ts";
import { isEpochOver, nextMask } from "../../core/history/mask-epoch.ts";
import { mergeRecordOf } from "../../core/history/merge-record.ts";
import { encodeVersion, signVersion, versionId } from "../../core/history/version.ts";
import type { Candidate } from "../../core/merge/candidate.ts";
import { encodeCanonical } from "../../core/protocol/canonical-json.ts";
import { MAX_MULTIPLIER } from "../../core/protocol/limits.ts";
import type { RelayEvent } from "../../core/protocol/schemas/status.ts";
import type {
  ForkName,
  OpenedPackets,
  VersionRecord,
} from "../../core/protocol/schemas/version.ts";
import { applyDeltaStep, type DeltaStep } from "../../core/tensors/delta-step.ts";
import type { RelayContext } from "../context.ts";
import type { Head } from "../history/head.ts";
import { putKeyframe } from "../history/keyframes.ts";
import { openPackets } from "../history/packets.ts";
import { promotePatches } from "../history/promotion.ts";
import { referenceRecordOf } from "../history/reference-seeds.ts";
import type { PublicationOutcome } from "../store/sql/publication.ts";
import type { RevertPublication } from "../store/sql/reverts.ts";
import { summaryOf } from "../store/sql/versions.ts";
import type { HistoryStore } from "../store/store.ts";
import type { VersionRow } from "../store/tables.ts";
import type { Evaluator } from "../threads/open-evaluator.ts";
import type { Attestation } from "./judge.ts";
import type { WaitingMember } from "./member.ts";

/** Another relay has taken the model over since the head was read: this one judges and publishes nothing of it. */
export class FencedError extends Error {
  constructor(model: string) {
    super(`${model}: another relay publishes this model now`);
  }
}

/** Whoever was stopped while it judged must not act on what it found: a FencedError where another relay has the model now. */
export async function checkFence(history: Pick<HistoryStore, "model">, head: Head): Promise<void> {
  const row = await history.model(head.model);
  if (row?.fence !== head.fence) throw new FencedError(head.model);
}

type PublishContext = Pick<
  RelayContext,
  "history" | "blobs" | "heldOut" | "config" | "identity" | "clock" | "nextMasks" | "referenceSeeds"
>;

type PublishParts<C = unknown> = {
  readonly context: PublishContext & C;
  /** Encodes what comes after the head. */
  readonly evaluator: Pick<Evaluator, "encodeNext">;
};

/**
 * Step 10 of the walk: the version's blobs first, then one transaction, then the members' patches (protocol H6). If it does
 * not come to the transaction, as when a member does not wait any more, another publisher was faster or the disk is full,
 * what was written stays as blobs that nothing names.
 */
export async function publishCandidate(
  parts: PublishParts<Pick<RelayContext, "contributions">>,
  head: Head,
  candidate: Candidate<WaitingMember>,
  attestation: Attestation,
): Promise<PublicationOutcome> {
  const { context } = parts;
  const merge = mergeRecordOf(head.recipe.merge, inputsOf(candidate));
  const version = await writeVersion(parts, head, candidate.step, { merge }, attestation);
  const outcome = await context.history.publish({
    version,
    fence: head.fence,
    inputs: candidate.members.map(({ id, contributor, examples, row }, i) => ({
      contribution: id,
      contributor,
      shards: JSON.parse(row.shards),
      multiplier: candidate.multipliers[i]!,
      credit: (examples * candidate.multipliers[i]!) / MAX_MULTIPLIER,
    })),
    events: eventsOf(version),
  });
  if (outcome === "published") {
    await promotePatches(context, head.model);
    await openTested(context, head, attestation);
  }
  return outcome;
}

/** The same for a version without a contribution, `step` being what that changes in the head. */
export async function publishRevert(
  parts: PublishParts,
  head: Head,
  {
    revert,
    step,
    objection,
  }: Pick<RevertPublication, "revert" | "objection"> & { readonly step: DeltaStep },
  attestation: Attestation,
): Promise<boolean> {
  const { context } = parts;
  const change = { merge: null, revert: { contributions: [revert.contribution] } };
  const version = await writeVersion(parts, head, step, change, attestation);
  const events = eventsOf(version);
  const isPublished = await context.history.publishRevert({
    version,
    fence: head.fence,
    revert,
    objection,
    events,
  });
  if (isPublished) await openTested(context, head, attestation);
  return isPublished;
}

/** Open the packets that the version after `head` passed on. */
async function openTested(
  context: Pick<RelayContext, "blobs" | "heldOut">,
  { recipe, packets }: Head,
  attestation: Attestation,
): Promise<void> {
  if (packets === null) return;
  const opened = openedAfter(packets, attestation);
  await openPackets(context, recipe, { suites: packets.suites, opened });
}

/** What is open with the version after the head. Without a gate, nothing more is. */
function openedAfter(packets: GatePackets, { gate, looked }: Attestation): OpenedPackets {
  return gate === null ? packets.opened : openMore(packets, looked);
}

/** Write the blobs of the version after `head`, and sign its record. */
async function writeVersion(
  { context, evaluator }: PublishParts,
  head: Head,
  step: DeltaStep,
  change: Pick<VersionRecord, "merge" | "revert">,
  attestation: Attestation,
): Promise<VersionRow> {
  const { report, gate } = attestation;
  const { history, blobs, config, identity, clock, nextMasks, referenceSeeds: seeds } = context;
  const { recipe, layout } = head;
  const number = head.number + 1;
  const task = { checkpoint: head.checkpoint, layout, step };
  const { named, stepBytes } = await evaluator.encodeNext(head.model, task);
  const isKeyframe = number % config.keyframeEvery === 0;
  const narrow = isKeyframe
    ? await putKeyframe(blobs, layout, applyDeltaStep(head.parameters, step), named)
    : null;
  if (!isKeyframe) await blobs.put(encodeCanonical(named.manifest));
  const stepId = await blobs.put(stepBytes);

  const epoch = await history.epoch(head.model, head.number, clock());
  const place = { number, parent: head.id };
  const reference = await referenceRecordOf({ seeds, history }, recipe, place);
  const record: VersionRecord = {
    format: "commonweight.version/1",
    model: head.model,
    number,
    parent: head.id,
    createdAt: clock(),
    relayKey: identity.publicKey,
    checkpoint: named.id,
    mask: await nextMask({ id: head.id, record: head.record }, recipe.mask, layout.size, {
      isOver: isEpochOver(epoch, recipe.mask),
      shared: nextMasks.get(head.model) ?? null,
    }),
    ...change,
    ...(reference && { reference }),
    ...(head.packets !== null && { packets: openedAfter(head.packets, attestation) }),
    evaluation: { report, gate },
  };
  const inputs = change.merge?.inputs ?? [];
  return {
    model: head.model,
    number,
    id: await versionId(record),
    parent: head.id,
    created_at: record.createdAt,
    signed: encodeVersion(await signVersion(record, identity.privateKey)),
    checkpoint: named.id,
    keyframe: isKeyframe ? 1 : 0,
    narrow,
    step: stepId,
    step_bytes: stepBytes.length,
    mask: JSON.stringify(record.mask),
    contributions: inputs.length,
    contributors: new Set(inputs.map(({ contributor }) => contributor)).size,
    report: JSON.stringify(report),
  };
}

function eventsOf(version: VersionRow): RelayEvent[] {
  const { model } = version;
  return [
    { type: "version", data: { model, version: summaryOf(version) } },
    { type: "leaderboard", data: { model } },
  ];
}

function inputsOf({ members, multipliers }: Candidate<WaitingMember>) {
  return members.map(({ id, contributor, row }, i) => ({
    contribution: id,
    contributor,
    signature: row.signature,
    base: row.base,
    ...(row.fork !== null && { fork: JSON.parse(row.fork) as ForkName }), // as the relay wrote it
    multiplier: multipliers[i]!,
  }));
}
