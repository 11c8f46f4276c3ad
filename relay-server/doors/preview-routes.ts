import { type Context, Hono } from "hono";
import { parseValue } from "../../core/protocol/canonical-json.ts";
import { routes } from "../../core/protocol/routes.ts";
import type { BanPreview, ModelPreview, TagPreview } from "../../core/protocol/schemas/previews.ts";
import { hash, publicKey } from "../../core/protocol/schemas/primitives.ts";
import type { RelayContext } from "../context.ts";
import { releaseOutlook } from "../history/release-outlook.ts";
import type { RevertOutlooks } from "../merging/revert-outlooks.ts";
import { revertRefusalOf } from "../store/sql/reverts.ts";
import { findModel, versionUnknown } from "./answers.ts";
import { maintainerOf } from "./maintainer.ts";
import { queryNumber } from "./params.ts";
import { Refusal } from "./refusal.ts";

/** What an act would do, for maintainers (R1). Nothing is changed. `onWork` hears that a model's loop has something to do. */
export function previewRoutes(
  context: RelayContext,
  outlooks: RevertOutlooks,
  onWork: (model: string) => void,
): Hono {
  const { contributions, people, status, tickets, clock } = context;
  const app = new Hono();
  const modelOf = (c: Context) => findModel(context, c.req.query("model") ?? "");

  app.get(routes.previewModel(), async (c) => {
    await maintainerOf(context, c);
    const { row } = await modelOf(c);
    const [{ received, scored, queued }, out] = await Promise.all([
      status.counts(row.id, clock()),
      tickets.outstanding(row.id, clock()),
    ]);
    return c.json({
      model: row.id,
      head: row.head,
      paused: row.paused === 1,
      retired: row.retired,
      waiting: { received, scored, queued },
      tickets: out,
    } satisfies ModelPreview);
  });

  app.get(routes.previewRevert(), async (c) => {
    await maintainerOf(context, c);
    const { row } = await modelOf(c);
    const contribution = parseValue("contribution", hash, c.req.query("contribution"));
    const code = revertRefusalOf(await contributions.contribution(contribution), row.id);
    if (code !== null) throw new Refusal(code, REVERT_REFUSALS[code]);
    const preview = outlooks.ask({ model: row.id, contribution }, row.head);
    if (preview.state === "working") onWork(row.id);
    return c.json(preview);
  });

  app.get(routes.previewTag(), async (c) => {
    await maintainerOf(context, c);
    const { row } = await modelOf(c);
    const version = queryNumber(c, "version") ?? row.head;
    const outlook = await releaseOutlook(context, row.id, version);
    if (outlook === null) throw versionUnknown(row);
    const { record, last, evidence } = outlook;
    return c.json({
      model: row.id,
      version,
      last: last === null ? null : { tag: last.tag, version: last.record.number },
      step: evidence.step,
      proposed: evidence.proposed,
      tests: [...evidence.tests],
      newSuites: [...evidence.newSuites],
      report: {
        before: last?.record.evaluation.report ?? null,
        after: record.evaluation.report,
      },
    } satisfies TagPreview);
  });

  app.get(routes.previewBan(), async (c) => {
    await maintainerOf(context, c);
    const contributor = parseValue("contributor", publicKey, c.req.query("contributor"));
    const [models, banned = null] = await Promise.all([
      people.workOf(contributor),
      people.banReason(contributor),
    ]);
    return c.json({ contributor, banned, models } satisfies BanPreview);
  });
  return app;
}

/** What a maintainer hears who wants to revert what cannot be reverted. */
export const REVERT_REFUSALS = {
  "contribution-unknown": "this model has no contribution of that hash",
  "not-merged": "only a merged contribution can be reverted; this one is not part of the model",
  "already-reverted": "this contribution was reverted before",
} as const;
