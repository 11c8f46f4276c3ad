import { type KeyPair, publicKeyHex } from "../../core/crypto/signature.ts";
import { bisect } from "../../core/gate/bisection.ts";
import type { PairedTestResult } from "../../core/gate/paired-test.ts";
import { nextMask } from "../../core/history/mask-epoch.ts";
import { signVersion, versionId } from "../../core/history/version.ts";
import { clipNorm, cohortMultipliers, partMultipliers } from "../../core/merge/multiplier.ts";
import { denominatorOf, mergeRules } from "../../core/merge/rules.ts";
import { decodePatch, dequantisePatch, type Patch, patchNorm } from "../../core/patch/patch.ts";
import { segmentStarts } from "../../core/patch/quantiser.ts";
import type { SignedVersion, VersionRecord } from "../../core/protocol/schemas/version.ts";
import { applyDeltaStep } from "../../core/tensors/delta-step.ts";
import { encodeCheckpoint } from "../../core/tensors/manifest.ts";
import { type HeadLosses, judgeHead, metricsOf, scoreRise, testCandidate } from "./judge.ts";
import type { SimModel } from "./sim-model.ts";
import type { SentPatch } from "./volunteer.ts";

/** What a run may do without, to see what it is worth. */
export const DEFENCES = ["score", "clip", "gate"] as const;
export type Defence = (typeof DEFENCES)[number];

export type Head = {
  readonly id: string;
  readonly record: VersionRecord;
  readonly parameters: Float32Array;
  readonly losses: HeadLosses;
};

/** The relay's part: the history so far, and what it knows about contributors. */
export type Publisher = {
  readonly model: SimModel;
  readonly keys: KeyPair;
  readonly without: ReadonlySet<Defence>;
  readonly history: SignedVersion[];
  /** Norms of merged work, oldest first. */
  readonly mergedNorms: number[];
  /** Merges in a row by public key. */
  readonly merges: Map<string, number>;
  head: Head;
};

/** What became of a cohort. */
export type Round = {
  readonly published: boolean;
  readonly merged: readonly SentPatch[];
  readonly refused: readonly SentPatch[];
  /** Tests by the gate, and the examples of the one that passed. */
  readonly evaluations: number;
  readonly gateExamples: number;
};

/** A contribution that was decoded and not refused by the score. */
type Accepted = {
  readonly sent: SentPatch;
  readonly patch: Patch;
  readonly segments: Uint32Array;
  readonly norm: number;
};

type Candidate = {
  readonly parameters: Float32Array;
  readonly multipliers: readonly number[];
  readonly result: PairedTestResult;
};

const MINUTE_MS = 60_000; // the simulated time between two versions

export async function openPublisher(
  model: SimModel,
  keys: KeyPair,
  without: ReadonlySet<Defence>,
): Promise<Publisher> {
  const losses = await judgeHead(model, model.base);
  const record: VersionRecord = {
    format: "commonweight.version/1",
    model: model.recipe.id,
    number: 0,
    parent: null,
    createdAt: 0,
    relayKey: await publicKeyHex(keys),
    checkpoint: (await encodeCheckpoint(model.layout, model.base)).id,
    mask: await nextMask(null, model.recipe.mask, model.layout.size, {
      isOver: true,
      shared: null,
    }),
    merge: null,
    evaluation: { report: metricsOf(losses.report), gate: null },
  };
  return {
    model,
    keys,
    without,
    history: [await signVersion(record, keys.privateKey)],
    mergedNorms: [],
    merges: new Map(),
    head: { id: await versionId(record), record, parameters: model.base, losses },
  };
}

/** Score, merge and gate one cohort; a candidate that passes becomes the head. */
export async function publishCohort(
  publisher: Publisher,
  cohort: readonly SentPatch[],
): Promise<Round> {
  const accepted: Accepted[] = [];
  const refused: SentPatch[] = [];
  for (const sent of cohort) {
    const scored = await score(publisher, sent);
    if (scored === null) refused.push(sent);
    else accepted.push(scored);
  }
  let evaluations = 0;
  let published: { readonly part: readonly Accepted[]; readonly candidate: Candidate } | null =
    null;
  if (accepted.length > 0) {
    const candidates = new Map<readonly Accepted[], Candidate>();
    const outcome = await bisect(
      accepted,
      publisher.model.recipe.gate.alpha,
      async (part, alpha) => {
        const candidate = await mergeCandidate(publisher, accepted, part, alpha);
        if (candidate.result.decision === "pass") candidates.set(part, candidate);
        return candidate.result.decision;
      },
    );
    evaluations = outcome.evaluations;
    refused.push(...outcome.bad.map(({ sent }) => sent));
    const candidate = candidates.get(outcome.passed);
    if (candidate !== undefined) published = { part: outcome.passed, candidate };
  }
  for (const { volunteer } of refused) publisher.merges.set(volunteer.publicKey, 0);
  if (published === null) {
    return { published: false, merged: [], refused, evaluations, gateExamples: 0 };
  }
  const { part, candidate } = published;
  await publish(publisher, part, candidate, evaluations);
  const merged = part.map(({ sent }) => sent);
  return { published: true, merged, refused, evaluations, gateExamples: candidate.result.examples };
}

/** Null where the contribution is refused as harmful. */
async function score(publisher: Publisher, sent: SentPatch): Promise<Accepted | null> {
  const { model, head, without } = publisher;
  const { positions } = sent.work;
  const patch = decodePatch(sent.bytes, model.layout, positions);
  const segments = segmentStarts(model.layout, positions);
  if (!without.has("score")) {
    const rise = await scoreRise(model, head, positions, dequantisePatch(patch, segments));
    if (!(rise <= model.recipe.score.toleranceNats)) return null; // NaN is refused too
  }
  return { sent, patch, segments, norm: patchNorm(patch, segments) };
}

async function mergeCandidate(
  { model, head, without, mergedNorms, merges }: Publisher,
  cohort: readonly Accepted[],
  part: readonly Accepted[],
  alpha: number,
): Promise<Candidate> {
  const { merge, training } = model.recipe;
  const inCohort = cohortMultipliers(
    cohort.map(({ sent, norm, patch }) => ({
      norm,
      merges: merges.get(sent.volunteer.publicKey) ?? 0,
      lag: head.record.number - sent.work.base.number,
      examples: patch.header.examples,
    })),
    {
      clipNorm: without.has("clip") ? null : clipNorm(mergedNorms, merge.clipFactor),
      newcomerWeight: merge.newcomerWeight,
      fullExamples: training.steps * training.batch,
    },
  );
  const own = new Map(cohort.map((accepted, i) => [accepted, inCohort[i]!]));
  const multipliers = partMultipliers(
    part.map((accepted) => own.get(accepted)!),
    cohort.length,
  );
  const step = mergeRules[merge.rule]({
    base: head.parameters,
    inputs: part.map(({ sent, patch, segments }, i) => ({
      positions: sent.work.positions,
      codes: patch.codes,
      scales: patch.scales,
      fisher: patch.fisher,
      segments,
      multiplier: multipliers[i]!,
    })),
    outerStep: merge.outerStep,
  });
  const parameters = applyDeltaStep(head.parameters, { ...step, size: model.layout.size });
  const result = await testCandidate(model, head.losses.gate, parameters, alpha);
  const decision = without.has("gate") ? "pass" : result.decision;
  return { parameters, multipliers, result: { ...result, decision } };
}

async function publish(
  publisher: Publisher,
  part: readonly Accepted[],
  { parameters, multipliers, result }: Candidate,
  evaluations: number,
): Promise<void> {
  const { model, head, keys, history, merges, mergedNorms } = publisher;
  const losses = await judgeHead(model, parameters);
  const number = head.record.number + 1;
  const inputs = part.map(({ sent }, i) => ({
    contribution: sent.id,
    contributor: sent.volunteer.publicKey,
    signature: sent.signature,
    base: sent.work.base.number,
    multiplier: multipliers[i]!,
  }));
  const record: VersionRecord = {
    format: "commonweight.version/1",
    model: model.recipe.id,
    number,
    parent: head.id,
    createdAt: number * MINUTE_MS,
    relayKey: head.record.relayKey,
    checkpoint: (await encodeCheckpoint(model.layout, parameters)).id,
    mask: await nextMask(head, model.recipe.mask, model.layout.size, {
      isOver: number % model.recipe.mask.epochVersions === 0,
      shared: null,
    }),
    merge: {
      rule: model.recipe.merge.rule,
      outerStep: model.recipe.merge.outerStep,
      denominator: denominatorOf(model.recipe.merge.rule),
      inputs: inputs.sort((a, b) => (a.contribution < b.contribution ? -1 : 1)),
    },
    evaluation: {
      report: metricsOf(losses.report),
      gate: {
        decision: "pass",
        examples: result.examples,
        meanDifferenceNats: result.meanDifference,
        evaluations,
      },
    },
  };
  history.push(await signVersion(record, keys.privateKey));
  for (const { sent, norm } of part) {
    const { publicKey } = sent.volunteer;
    merges.set(publicKey, (merges.get(publicKey) ?? 0) + 1);
    mergedNorms.push(norm);
  }
  publisher.head = { id: await versionId(record), record, parameters, losses };
}
