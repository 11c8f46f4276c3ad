import { assert, FormatError } from "../../core/errors.ts";
import type { GateSetting } from "../../core/gate/judge.ts";
import { type GateVerdict, testStep } from "../../core/gate/suites.ts";
import type { ReplayPatch } from "../../core/history/replay.ts";
import { replayHistory, replayStart } from "../../core/history/replay-history.ts";
import { decodeVersion } from "../../core/history/version.ts";
import type { VersionRecord } from "../../core/protocol/schemas/version.ts";
import { type DeltaStep, deltaStepBetween } from "../../core/tensors/delta-step.ts";
import type { Head } from "../history/head.ts";
import type { PipelineParts } from "../parts.ts";
import { isOutage } from "../storage-error.ts";
import type { HistoryStore } from "../store/store.ts";
import type { RevertRow } from "../store/tables.ts";
import { tellHealth } from "./health.ts";
import { attest, gateSettingOf, gateTestOf } from "./judge.ts";
import { readPatch } from "./member.ts";
import { checkFence, FencedError, publishRevert } from "./publishing.ts";

const RECORDS_A_READ = 8; // a record with 16,384 inputs has 6 MB

/**
 * Carry out the revert that a maintainer has asked for first: replay the history without the contribution, test the
 * result against the head as any candidate, publish it if it passes or the maintainer insists. Also while the model is
 * paused. False if none waits.
 */
export async function revertNext(
  parts: PipelineParts,
  head: Head,
  signal: AbortSignal,
): Promise<boolean> {
  const { history, clock } = parts.context;
  const revert = await history.nextRevert(head.model);
  if (revert === undefined) return false;
  const refusal = await publishWithout(parts, head, revert, signal).catch((error: unknown) => {
    if (signal.aborted || isOutage(error) || error instanceof FencedError) throw error; // it goes on waiting
    console.error(error);
    const message = error instanceof Error ? error.message : String(error);
    return `the relay failed at it (${message}); its log says more`; // the model must not stand still for it
  });
  if (refusal !== null) await history.refuseRevert(revert, refusal, clock());
  parts.context.toldHealth.delete(head.model); // who asked for it waits for word, also if nothing changed
  await tellHealth(parts.context, head.model);
  return true;
}

/** Null once it is published, else why it is not. */
async function publishWithout(
  parts: PipelineParts,
  head: Head,
  revert: RevertRow,
  signal: AbortSignal,
): Promise<string | null> {
  const { context } = parts;
  const tried = await tryWithout(parts, head, [revert.contribution], signal);
  await checkFence(context.history, head);
  if (typeof tried === "string") return tried;
  const { step, setting, verdict, objection } = tried;
  const facts = { at: context.clock(), head: head.number, contributions: 0 };
  await context.history.recordGateTests(head.model, [gateTestOf(verdict, facts)]);
  if (objection !== null && revert.insists === 0) return objection;
  const attestation = await attest(setting, step, verdict, 1);
  const change = { revert, step, objection };
  const published = await publishRevert(parts, head, change, attestation);
  if (!published) throw new FencedError(head.model);
  return null;
}

/** The model without contributions, and what the gate says of that. */
export type WithoutIt = {
  /** [N] */
  readonly parameters: Float32Array;
  /** What leads from the head there. */
  readonly step: DeltaStep;
  /** Versions that were computed anew. */
  readonly replayed: number;
  readonly setting: GateSetting;
  readonly verdict: GateVerdict;
  /** What the gate said against it, in plain words; null if it passed. */
  readonly objection: string | null;
};

/** Replay the history without these contributions and test the result; or why it cannot be replayed. Nothing is changed. */
export async function tryWithout(
  parts: PipelineParts,
  head: Head,
  contributions: readonly string[],
  signal: AbortSignal,
): Promise<WithoutIt | string> {
  let replay: Awaited<ReturnType<typeof replayWithout>>;
  try {
    replay = await replayWithout(parts, head, contributions, signal);
  } catch (error) {
    // a file of the history is lost: no replay now, but the model must not stand still for it
    if (error instanceof FormatError) return `the history cannot be replayed: ${error.message}`;
    throw error;
  }
  const step = deltaStepBetween(head.parameters, replay.parameters);
  const setting = gateSettingOf(parts.evaluator, head);
  const verdict = await testStep(setting, step, head.recipe.gate.alpha);
  const objection = verdict.decision === "pass" ? null : refusalOf(verdict);
  return { ...replay, step, setting, verdict, objection };
}

/** Why the gate did not let the model without it pass, in plain words. */
function refusalOf({ tests, flips }: GateVerdict): string {
  const bad = tests.find(({ decision }) => decision !== "pass");
  if (bad === undefined) {
    return `the gate refused: the model without it has ${flips?.flips} answers wrong that version ${flips?.version} had right`;
  }
  const found = bad.decision === "fail" ? "is worse than" : "was not shown to be as good as";
  const suite =
    bad.suite === "gate"
      ? "held-out examples"
      : `examples of the ${bad.suite === "protected" ? "protected suite" : `suite ${bad.suite}`}`;
  const earlier = bad.against === "parent" ? "the head" : `the release, version ${bad.version}`;
  return `the gate refused: on ${bad.examples} ${suite} the model without it ${found} ${earlier}`;
}

/**
 * The parameters [N] of the head's history without these merged contributions, and without those reverted before. Throws a
 * FormatError where a file of the history is lost.
 */
async function replayWithout(
  { context, checkpoints, positionsOf }: PipelineParts,
  head: Head,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<{ parameters: Float32Array; replayed: number }> {
  const { contributions, history, blobs } = context;
  const { model, layout } = head;
  const taken: Awaited<ReturnType<HistoryStore["strikes"]>> = [];
  for (const contribution of ids) {
    const life = await contributions.contribution(contribution);
    assert(life?.state === "merged" && life.version !== null, `${contribution} is not merged`);
    taken.push({ contribution, merged: life.version, reverted: head.number + 1 });
  }
  const strikes = [...(await history.strikes(model)), ...taken];
  const start = replayStart(head.number, strikes);
  const version = await history.version(model, start);
  assert(version !== undefined, `${model} has no version ${start}`);

  async function patchesOf({ merge }: VersionRecord) {
    const patches = new Map<string, ReplayPatch>();
    for (const { contribution: id } of merge?.inputs ?? []) {
      const bytes = await blobs.read(id);
      if (bytes === null) throw new FormatError(`the patch ${id} is missing or damaged`);
      patches.set(id, await readPatch(positionsOf, layout, bytes));
    }
    return patches;
  }
  const parameters = await replayHistory(
    {
      layout,
      parameters: await checkpoints.parametersOf(version),
      records: recordsBetween(history, model, start + 1, head.number),
      struck: new Set(strikes.map(({ contribution }) => contribution)),
      patchesOf,
    },
    { signal },
  );
  return { parameters, replayed: head.number - start };
}

async function* recordsBetween(
  history: HistoryStore,
  model: string,
  first: number,
  last: number,
): AsyncGenerator<VersionRecord> {
  for (let from = first; from <= last; from += RECORDS_A_READ) {
    const to = Math.min(last, from + RECORDS_A_READ - 1);
    for (const { signed } of await history.versionsBetween(model, from, to)) {
      yield decodeVersion(signed).record;
    }
  }
}
