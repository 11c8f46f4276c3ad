import { type Context, Hono } from "hono";
import * as z from "zod/mini";
import { sha256 } from "../../core/crypto/signature.ts";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import { MAX_REQUEST_BYTES } from "../../core/protocol/limits.ts";
import { API } from "../../core/protocol/routes.ts";
import { modelId } from "../../core/protocol/schemas/primitives.ts";
import type { RelayContext } from "../context.ts";
import type { EventHub } from "../events/event-hub.ts";
import { findModel, modelHealthOf } from "./answers.ts";
import { readBody } from "./body.ts";
import type { Limits } from "./limits.ts";
import { Refusal } from "./refusal.ts";

const AUDIT_ENTRIES = 200;
export const pauseRequest = z.strictObject({ model: modelId });

/** For maintainers only: pause, resume, audit log. `onResume` hears that merging may go on. */
export function adminRoutes(
  context: RelayContext,
  hub: EventHub,
  limits: Limits,
  onResume: () => void,
): Hono {
  const app = new Hono();

  async function maintainerOf(c: Context): Promise<string> {
    limits.address(c); // so that tokens cannot be guessed at speed
    const token = /^Bearer (\S{20,200})$/.exec(c.req.header("authorization") ?? "")?.[1];
    const hash = token && (await sha256(new TextEncoder().encode(token)));
    const name = hash && (await context.ledger.maintainer(hash));
    if (name) return name;
    throw new Refusal("signature-invalid", "this needs a maintainer's token", {
      "www-authenticate": "Bearer",
    });
  }

  async function setPaused(c: Context, paused: boolean): Promise<Response> {
    const maintainer = await maintainerOf(c);
    const body = await readBody(c.req.raw, MAX_REQUEST_BYTES);
    const { model } = parseJson("request", pauseRequest, body);
    await findModel(context, model);
    const at = context.clock();
    await context.ledger.setPaused({ model, paused, maintainer, at });
    const health = await modelHealthOf(context, model);
    await context.ledger.appendEvents([{ type: "health", data: health }]);
    hub.wake();
    if (!paused) onResume();
    return c.json(health);
  }

  app.post(`${API}/admin/pause`, (c) => setPaused(c, true));
  app.post(`${API}/admin/resume`, (c) => setPaused(c, false));
  app.get(`${API}/admin/audit`, async (c) => {
    await maintainerOf(c);
    return c.json({ entries: await context.ledger.audit(AUDIT_ENTRIES) });
  });
  return app;
}
