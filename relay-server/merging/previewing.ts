import type { RevertPreview } from "../../core/protocol/schemas/caught.ts";
import { metricsOf } from "../../core/training/metrics.ts";
import type { Head } from "../history/head.ts";
import type { PipelineParts } from "../parts.ts";
import { isOutage } from "../storage-error.ts";
import type { CaughtWork } from "../store/sql/spot-checks.ts";
import { previewKey } from "./health.ts";
import { tryWithout } from "./reverting.ts";

/**
 * Look what the head would be without what a caught key had merged before, of the first such key that this was not looked at for
 * (protocol H26). Nothing is published: a maintainer decides. False if there is none.
 */
export async function previewNext(
  parts: PipelineParts,
  head: Head,
  signal: AbortSignal,
): Promise<boolean> {
  const { contributions, previews } = parts.context;
  const caught = await contributions.caughtWork(head.model);
  const known = previews.get(head.model) ?? new Map<string, RevertPreview>();
  const kept = new Map(
    [...known].filter(([key]) => caught.some((each) => previewKey(each) === key)),
  );
  previews.set(head.model, kept);
  const next = caught.find((each) => !kept.has(previewKey(each)));
  if (next === undefined) return false;
  const looked = await preview(parts, head, next, signal).catch((error: unknown) => {
    if (signal.aborted || isOutage(error)) throw error; // it is looked at later
    console.error(error);
    const message = error instanceof Error ? error.message : String(error);
    const contributions = next.contributions.length;
    const objection = `the relay failed at it (${message}); its log says more`;
    return { head: head.number, contributions, riseNats: null, objection };
  });
  kept.set(previewKey(next), looked);
  return true;
}

async function preview(
  parts: PipelineParts,
  head: Head,
  { contributions }: CaughtWork,
  signal: AbortSignal,
): Promise<RevertPreview> {
  const of = { head: head.number, contributions: contributions.length };
  const tried = await tryWithout(parts, head, contributions, signal);
  if (typeof tried === "string") return { ...of, riseNats: null, objection: tried };
  const { step, setting, objection } = tried;
  const all = [0, head.recipe.data.heldOut.report] as const;
  const lossOf = async (subject: typeof step | null) =>
    metricsOf(await setting.judge.evaluate("report", { head: subject }, all)).lossNats;
  const riseNats = (await lossOf(step)) - (await lossOf(null));
  return { ...of, riseNats: Number.isFinite(riseNats) ? riseNats : null, objection };
}
