import { assert } from "../../core/errors.ts";
import type { Judge } from "../../core/gate/judge.ts";
import { validateLikeness } from "../../core/gate/likeness.ts";
import { agreementWith, type ReferenceAt } from "../../core/gate/reference.ts";
import { needsScore, scoreMember, screen, validateScore } from "../../core/gate/scoring.ts";
import { needsSpotCheck } from "../../core/gate/spot-check.ts";
import { deltaOf } from "../../core/merge/member.ts";
import type { Verdict } from "../../core/protocol/reject-codes.ts";
import type { Head } from "../history/head.ts";
import type { PipelineParts, StepResult } from "../loop.ts";
import type { Waiting } from "../store/judging.ts";
import { createJudge } from "./judge.ts";
import { drawLot } from "./lots.ts";
import { readMember } from "./member.ts";

const JUDGED_A_STEP = 8; // then the pipeline looks whether a cohort is due

/**
 * Step 7 of the walk: take what waits to its next stations, the furthest first: screened, scored if need be, queued
 * for a merge or for a spot check; or refuse it. Each decision is a commit of its own, so that a restart goes on where this ended.
 */
export async function judgeWaiting(
  parts: PipelineParts,
  head: Head,
  otherwise: StepResult,
): Promise<StepResult> {
  const judge = createJudge(parts.evaluator, head);
  const rows: Waiting[] = [];
  for (const state of ["scored", "screened", "received"] as const) {
    const room = JUDGED_A_STEP - rows.length;
    if (room > 0) rows.push(...(await parts.context.ledger.waiting(head.model, state, room)));
  }
  const { clock, pace } = parts.context;
  for (const row of rows) {
    const startedAt = clock();
    await passStations(parts, head, judge, row);
    pace.note(head.model, "alone", (clock() - startedAt) / 1000);
  }
  return rows.length > 0 ? { again: true } : otherwise;
}

async function passStations(
  parts: PipelineParts,
  head: Head,
  judge: Judge,
  row: Waiting,
): Promise<void> {
  const { context, positionsOf, likenessOf } = parts;
  const { ledger, clock, random } = context;
  const rules = head.recipe.score;
  const refuse = ({ code, message }: Verdict & { ok: false }) =>
    ledger.refuseWaiting([row.id], { code, message }, clock());

  const member = await readMember(context, positionsOf, head, row);
  if (member === null) return;
  const reference = (await referenceOf(parts, row))?.(member.positions) ?? null;
  const agreement = reference && agreementWith(reference, deltaOf(member));
  if (row.state === "received") {
    const screened = screen(agreement, rules);
    if (!screened.ok) return refuse(screened);
    // without a reference nobody knows how alike honest work is on a common mask: on an easy model 0.95 and more
    if (reference !== null || head.recipe.mask.kind === "own") {
      const alike = validateLikeness(await likenessOf(head, member), reference);
      if (!alike.ok) return refuse(alike);
    }
    await ledger.passScreen(row.id, agreement?.z ?? null, clock());
  }
  if (row.state !== "scored" && needsScore(member, agreement, rules, drawLot(random))) {
    const rise = await scoreMember(judge, head, member);
    const scored = validateScore(rise, rules);
    if (!scored.ok) return refuse(scored);
    await ledger.passScore(row.id, rise, clock());
  }
  const standing = { hasFailed: await ledger.hasFailedSpotCheck(row.contributor) };
  if (needsSpotCheck(standing, rules, drawLot(random))) await ledger.drawSpotCheck(row, clock());
  else await ledger.queue(row.id, clock()); // what was drawn is queued when its check is passed
}

/** The relay's own work on the version that a contribution is based on; null where there is none. */
async function referenceOf(
  { context, trainer }: PipelineParts,
  { model, base }: Waiting,
): Promise<ReferenceAt | null> {
  const version = await context.ledger.version(model, base);
  assert(version !== undefined, `${model} has no version ${base}`);
  return trainer.reference(version);
}
