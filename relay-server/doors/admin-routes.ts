import { type Context, Hono } from "hono";
import { tagObjection } from "../../core/history/release-number.ts";
import { encodeCanonical, parseJson } from "../../core/protocol/canonical-json.ts";
import { routes } from "../../core/protocol/routes.ts";
import {
  type AuditLog,
  type BanStatus,
  banRequest,
  modelActRequest,
  type RevertStatus,
  revertRequest,
  revertStatus,
  tagRequest,
  unbanRequest,
  untagRequest,
} from "../../core/protocol/schemas/admin.ts";
import type { RelayContext } from "../context.ts";
import { decodeAct, nextAct } from "../history/acts.ts";
import { releaseOutlook } from "../history/release-outlook.ts";
import { type ModelHealthContext, tellHealth } from "../merging/health.ts";
import type { EventHub } from "../store/event-hub.ts";
import type { ActRow, RevertRow } from "../store/tables.ts";
import { findModel, versionUnknown } from "./answers.ts";
import type { Limits } from "./limits.ts";
import { maintainerOf } from "./maintainer.ts";
import { isHash, pathPart } from "./params.ts";
import { REVERT_REFUSALS } from "./preview-routes.ts";
import { Refusal } from "./refusal.ts";

const AUDIT_ENTRIES = 200;

/** For maintainers only: pause, resume, retire, revert, tag, ban, audit log. `onWork` hears which model's loop has something to do. */
export function adminRoutes(
  context: ModelHealthContext & Pick<RelayContext, "people" | "models" | "identity" | "blobs">,
  hub: EventHub,
  limits: Limits,
  onWork: (model: string) => void,
): Hono {
  const app = new Hono();

  async function setPaused(c: Context, paused: boolean): Promise<Response> {
    const maintainer = await maintainerOf(context, c);
    const body = await limits.request(c);
    const { model, reason } = parseJson("request", modelActRequest, body);
    await findModel(context, model);
    const at = context.clock();
    await context.history.setPaused({ model, paused, reason, maintainer, at });
    const health = await tellHealth(context, model);
    hub.wake();
    if (!paused) onWork(model);
    return c.json(health);
  }

  async function setRetired(c: Context, retired: boolean): Promise<Response> {
    const maintainer = await maintainerOf(context, c);
    const body = await limits.request(c);
    const { model, reason } = parseJson("request", modelActRequest, body);
    for (;;) {
      const { row } = await findModel(context, model);
      if (retired && row.retired !== null) {
        throw new Refusal("already-retired", `${model} is retired: ${row.retired}`);
      }
      if (!retired && row.retired === null) {
        throw new Refusal("not-retired", `${model} is not retired`);
      }
      const deed = { kind: retired ? "retire" : "unretire" } as const;
      const outcome = {
        ...(await nextAct(context, model, { deed, reason })),
        retired: retired ? reason : null,
      };
      const doing = { reason, maintainer, at: context.clock() };
      if (await context.history.retire({ ...outcome, ...doing })) break; // else another maintainer or a version was faster
    }
    const health = await tellHealth(context, model);
    hub.wake();
    return c.json(health);
  }

  async function requestRevert(c: Context): Promise<Response> {
    const maintainer = await maintainerOf(context, c);
    const body = await limits.request(c);
    const { insist = false, ...wish } = parseJson("request", revertRequest, body);
    await findModel(context, wish.model);
    const request = { ...wish, insists: insist, maintainer, at: context.clock() };
    const entry = await context.history.requestRevert(request);
    if (entry.kind === "waiting") {
      onWork(wish.model);
      return c.json(statusOf(entry.row), 202);
    }
    throw new Refusal(entry.code, REVERT_REFUSALS[entry.code]);
  }

  async function ban(c: Context): Promise<Response> {
    const maintainer = await maintainerOf(context, c);
    const body = await limits.request(c);
    const request = parseJson("request", banRequest, body);
    const refused = await context.people.ban({ ...request, maintainer, at: context.clock() });
    for (const model of context.models.keys()) await tellHealth(context, model); // less waits now
    hub.wake();
    const { contributor } = request;
    return c.json({ contributor, banned: true, refused } satisfies BanStatus);
  }

  async function unban(c: Context): Promise<Response> {
    const maintainer = await maintainerOf(context, c);
    const body = await limits.request(c);
    const request = parseJson("request", unbanRequest, body);
    await context.people.unban({ ...request, maintainer, at: context.clock() });
    const { contributor } = request;
    return c.json({ contributor, banned: false, refused: 0 } satisfies BanStatus);
  }

  async function tag(c: Context): Promise<Response> {
    const maintainer = await maintainerOf(context, c);
    const body = await limits.request(c);
    const request = parseJson("request", tagRequest, body);
    const { row } = await findModel(context, request.model);
    const { model, version } = request;
    for (;;) {
      const { recipe } = await findModel(context, model);
      const outlook = await releaseOutlook(context, model, version);
      if (outlook === null) throw versionUnknown(row);
      const after = outlook.last?.tag ?? null;
      const objection = tagObjection(request.tag, after, outlook.evidence);
      if (objection !== null) {
        throw new Refusal("tag-unproven", `version ${version} as ${request.tag}: ${objection}`);
      }
      const deed = {
        kind: "release",
        tag: request.tag,
        version: { number: version, id: outlook.id },
        recipe: await context.blobs.put(encodeCanonical(recipe)), // as a bundle says it, whatever changes later
      } as const;
      const keyAct = await keyActOf(model);
      const outcome = await context.history.tag({
        ...(await nextAct(context, model, { deed, reason: request.reason }, keyAct)),
        keyAct,
        ...{ version, tag: request.tag, reason: request.reason },
        ...{ after, maintainer, at: context.clock() },
      });
      switch (outcome) {
        case "tagged": {
          const health = await tellHealth(context, model);
          hub.wake();
          return c.json(health);
        }
        case "tag-taken":
          throw new Refusal(outcome, `${request.tag} is taken: a tag names one version for ever`);
        case "tag-lower":
          throw new Refusal(outcome, `${request.tag} is lower than ${after}, the last release`);
        case "overtaken": // by another maintainer, and the evidence is about another release now; or by a version
      }
    }
  }

  /** The act by which the relay's key vouches for the one that signs releases; null where the model has it. */
  async function keyActOf(model: string): Promise<ActRow | null> {
    const acts = (await context.history.acts(model)).map(decodeAct);
    if (acts.some(({ record }) => record.deed.kind === "release-key")) return null;
    const deed = { kind: "release-key", key: context.identity.releaseKey.publicKey } as const;
    const reason = "This key signs releases, so that other tools can verify them.";
    return (await nextAct(context, model, { deed, reason })).act;
  }

  async function untag(c: Context): Promise<Response> {
    const maintainer = await maintainerOf(context, c);
    const body = await limits.request(c);
    const { model, tag, reason } = parseJson("request", untagRequest, body);
    await findModel(context, model);
    for (;;) {
      const next = await nextAct(context, model, { deed: { kind: "unrelease", tag }, reason });
      const doing = { tag, reason, maintainer, at: context.clock() };
      const outcome = await context.history.untag({ ...next, ...doing });
      if (outcome === "tag-unknown") {
        throw new Refusal(outcome, `${model} has no release ${tag}`);
      }
      if (outcome === "untagged") break;
    }
    const health = await tellHealth(context, model);
    hub.wake();
    onWork(model);
    return c.json(health);
  }

  app.post(routes.pause(), (c) => setPaused(c, true));
  app.post(routes.resume(), (c) => setPaused(c, false));
  app.post(routes.retire(), (c) => setRetired(c, true));
  app.post(routes.unretire(), (c) => setRetired(c, false));
  app.post(routes.reverts(), requestRevert);
  app.post(routes.tag(), tag);
  app.post(routes.untag(), untag);
  app.post(routes.ban(), ban);
  app.post(routes.unban(), unban);
  app.get(routes.revert(":id"), async (c) => {
    await maintainerOf(context, c);
    const id = pathPart(c, "id");
    const row = isHash(id) ? await context.history.revert(id) : undefined;
    if (row !== undefined) return c.json(statusOf(row));
    throw new Refusal("contribution-unknown", "nobody asked for that contribution to be reverted");
  });
  app.get(routes.audit(), async (c) => {
    await maintainerOf(context, c);
    const entries = await context.people.audit(AUDIT_ENTRIES);
    return c.json({ entries } satisfies AuditLog);
  });
  return app;
}

function statusOf(row: RevertRow): RevertStatus {
  return {
    model: row.model,
    contribution: row.contribution,
    reason: row.reason,
    state: revertStatus.shape.state.parse(row.state),
    message: row.message,
    requestedAt: row.requested_at,
    decidedAt: row.decided_at,
    version: row.version,
  };
}
