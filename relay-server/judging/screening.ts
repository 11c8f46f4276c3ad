import { assert } from "../../core/errors.ts";
import { validateLikeness } from "../../core/gate/likeness.ts";
import { type Agreement, agreementWith, type ReferenceAt } from "../../core/gate/reference.ts";
import { needsScore, scoreMember, screen, validateScore } from "../../core/gate/scoring.ts";
import { needsSpotCheck } from "../../core/gate/spot-check.ts";
import { deltaOf } from "../../core/merge/member.ts";
import { OK, type Verdict } from "../../core/protocol/reject-codes.ts";
import type { Head } from "../history/head.ts";
import { createJudge } from "../merging/judge.ts";
import { drawLot } from "../merging/lots.ts";
import { readMember, type WaitingMember } from "../merging/member.ts";
import { FencedError } from "../merging/publishing.ts";
import type { LoopParts, StepResult } from "../parts.ts";
import { isOutage } from "../storage-error.ts";
import type { WaitingContribution } from "../store/sql/judging.ts";
import type { VersionRow } from "../store/tables.ts";

const JUDGED_A_STEP = 8; // then the pipeline looks whether a cohort is due

/**
 * Step 7 of the walk: take what waits to its next stations, the furthest first: screened, scored if need be, queued
 * for a merge or for a spot check; or refuse it. Each decision is a commit of its own, so that a restart goes on where this ended.
 */
export async function judgeWaiting(
  parts: LoopParts,
  head: Head,
  otherwise: StepResult,
): Promise<StepResult> {
  const { contributions, clock } = parts.context;
  const resting = parts.setbacks.resting(clock());
  const rows: WaitingContribution[] = [];
  for (const state of ["scored", "screened", "received"] as const) {
    const room = JUDGED_A_STEP - rows.length;
    if (room > 0) rows.push(...(await contributions.waiting(head.model, state, room, resting)));
  }
  for (const row of rows) await judgeOne(parts, head, row);
  return rows.length > 0 ? { again: true } : otherwise;
}

/** Judge one contribution; what goes wrong at it is a setback of its own, and the next one has its turn. */
async function judgeOne(parts: LoopParts, head: Head, row: WaitingContribution): Promise<void> {
  const { context, setbacks } = parts;
  const { contributions, clock, pace } = context;
  try {
    let trainingMs = 0; // of references: a version's, not this contribution's, and no part of its pace
    async function training<T>(train: Promise<T>): Promise<T> {
      const askedAt = clock();
      const trained = await train;
      trainingMs += clock() - askedAt;
      return trained;
    }
    const startedAt = clock();
    const references: References = {
      shared: await training(referenceOf(parts, row)),
      own: () => training(ownReferenceOf(parts, row)),
    };
    await passStations(parts, head, references, row);
    pace.note(head.model, "alone", (clock() - startedAt - trainingMs) / 1000);
    setbacks.succeed([row.id]);
  } catch (error) {
    if (isOutage(error) || error instanceof FencedError) throw error;
    console.error(error);
    const aside = setbacks.fail([row.id], error, clock());
    if (aside !== null) await contributions.setAside(aside, clock());
  }
}

/** What a contribution is compared with: a judge may have trained the shared one, the relay trains its own. */
type References = {
  readonly shared: ReferenceAt | null;
  readonly own: () => Promise<ReferenceAt | null>;
};

async function passStations(
  parts: LoopParts,
  head: Head,
  references: References,
  row: WaitingContribution,
): Promise<void> {
  const { context, positionsOf } = parts;
  const { contributions, clock, random } = context;
  const rules = head.recipe.score;
  const refuse = ({ code, message }: Verdict & { ok: false }) =>
    contributions.refuseWaiting([row.id], { code, message }, clock());

  const member = await readMember(context, positionsOf, head, row);
  if (member === null) return;
  let found = await screenMember(parts, head, member, references.shared);
  if (row.state === "received" && !found.verdict.ok) {
    const own = await references.own(); // nobody is refused by a judge's word alone
    if (own !== references.shared) found = await screenMember(parts, head, member, own);
  }
  const { agreement, verdict } = found;
  if (row.state === "received") {
    if (!verdict.ok) return refuse(verdict);
    await contributions.passScreen(row.id, agreement?.z ?? null, clock());
  }
  if (row.state !== "scored" && needsScore(member, agreement, rules, drawLot(random))) {
    const rise = await scoreOf(parts, head, member);
    const scored = validateScore(rise, rules);
    if (!scored.ok) return refuse(scored);
    await contributions.passScore(row.id, rise, clock());
  }
  const standing = { hasFailed: await contributions.hasFailedSpotCheck(row.contributor) };
  // what was proposed from a fork was trained on the fork's shards: a maintainer answers for it
  if (row.fork === null && needsSpotCheck(standing, rules, drawLot(random)))
    await contributions.drawSpotCheck(row, clock());
  else await contributions.queue(row.id, clock()); // what was drawn is queued when its check is passed
}

/** The rise of the loss with a member's work; the relay's own word where it would be refused for it. */
async function scoreOf(
  { evaluator, evaluations }: Pick<LoopParts, "evaluator" | "evaluations">,
  head: Head,
  member: WaitingMember,
): Promise<number> {
  const shared = evaluations.begin();
  const rise = await scoreMember(createJudge(shared, head), head, member);
  const { ok } = validateScore(rise, head.recipe.score);
  if (!shared.isToRepeat(!ok)) return rise;
  return scoreMember(createJudge(evaluator, head), head, member);
}

/** How a member agrees with a reference, and whether that and its likeness to earlier work let it pass the screen. */
async function screenMember(
  { likenessOf }: Pick<LoopParts, "likenessOf">,
  head: Head,
  member: WaitingMember,
  referenceAt: ReferenceAt | null,
): Promise<{ readonly agreement: Agreement | null; readonly verdict: Verdict }> {
  const reference = referenceAt?.(member.positions) ?? null;
  const agreement = reference && agreementWith(reference, deltaOf(member));
  if (member.row.state !== "received") return { agreement, verdict: OK };
  const screened = screen(agreement, head.recipe.score);
  // without a reference nobody knows how alike honest work is on a common mask: on an easy model 0.95 and more
  const isCompared = reference !== null || head.recipe.mask.kind === "own";
  if (!screened.ok || !isCompared) return { agreement, verdict: screened };
  return { agreement, verdict: validateLikeness(await likenessOf(head, member), reference) };
}

/** The reference of the version that a contribution is based on; null where there is none. */
async function referenceOf(
  { context, trainer }: LoopParts,
  row: WaitingContribution,
): Promise<ReferenceAt | null> {
  return trainer.reference(await baseOf(context, row));
}

/** The same, trained by the relay itself. */
async function ownReferenceOf(
  { context, trainer }: LoopParts,
  row: WaitingContribution,
): Promise<ReferenceAt | null> {
  return trainer.ownReference(await baseOf(context, row));
}

async function baseOf(
  { history }: LoopParts["context"],
  { model, base }: WaitingContribution,
): Promise<VersionRow> {
  const version = await history.version(model, base);
  assert(version !== undefined, `${model} has no version ${base}`);
  return version;
}
