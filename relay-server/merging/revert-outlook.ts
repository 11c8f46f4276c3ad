import { diffCheckpoints } from "../../core/history/checkpoint-diff.ts";
import type { RevertAnswer, RevertOutlook } from "../../core/protocol/schemas/previews.ts";
import { metricsOf } from "../../core/training/metrics.ts";
import type { Head } from "../history/head.ts";
import type { PipelineParts } from "../parts.ts";
import { isOutage } from "../storage-error.ts";
import type { AskedRevert } from "./revert-outlooks.ts";
import { tryWithout } from "./reverting.ts";

const LARGEST_TENSORS = 8;

/**
 * Find out what the revert that a maintainer asked about first would do. The model's own loop does it between its other work,
 * since the replay and the gate take seconds and the head must stay where it is meanwhile. False if nobody asked.
 */
export async function outlookNext(
  parts: PipelineParts,
  head: Head,
  signal: AbortSignal,
): Promise<boolean> {
  const asked = parts.outlooks.next(head.model);
  if (asked === undefined) return false;
  const preview = await outlookOf(parts, head, asked, signal).catch((error: unknown) => {
    if (signal.aborted || isOutage(error)) throw error; // it goes on waiting
    console.error(error);
    const message = "the relay failed at it; its log says more";
    return { state: "failed", message } as const; // the model must not stand still for it
  });
  parts.outlooks.know(asked, head.number, preview);
  return true;
}

async function outlookOf(
  parts: PipelineParts,
  head: Head,
  { model, contribution }: AskedRevert,
  signal: AbortSignal,
): Promise<RevertAnswer> {
  const { contributions, history } = parts.context;
  const life = await contributions.contribution(contribution);
  if (life?.state !== "merged" || life.version === null) {
    return { state: "failed", message: "it is not part of the model any more" };
  }
  const tried = await tryWithout(parts, head, [contribution], signal);
  if (typeof tried === "string") return { state: "failed", message: tried };
  const { parameters, step, replayed, setting, verdict, objection } = tried;
  const all = [0, head.recipe.data.heldOut.report] as const;
  const after = metricsOf(await setting.judge.evaluate("report", { head: step }, all));
  const tensors = diffCheckpoints(head.layout, head.parameters, parameters).filter(
    ({ changed }) => changed > 0,
  );
  const outlook: RevertOutlook = {
    model,
    contribution,
    contributor: life.contributor,
    version: life.version,
    multiplier: life.multiplier ?? 0, // merged work has one
    credit: life.credit,
    head: head.number,
    replayed,
    later: await history.trainedSince(model, life.version),
    changed: tensors.reduce((sum, { changed }) => sum + changed, 0),
    parameters: head.layout.size,
    norm: Math.hypot(...tensors.map(({ norm }) => norm)),
    tensors: tensors
      .toSorted((a, b) => b.norm - a.norm)
      .slice(0, LARGEST_TENSORS)
      .map(({ tensor, changed, norm }) => ({ tensor, changed, norm })),
    report: { before: head.record.evaluation.report, after },
    tests: [...verdict.tests],
    flips: verdict.flips,
    objection,
  };
  return { state: "ready", outlook };
}
