import { type Context, Hono } from "hono";
import { deleteCookie, setCookie } from "hono/cookie";
import { routes } from "../../core/protocol/routes.ts";
import type { MaintainerSession } from "../../core/protocol/schemas/admin.ts";
import type { RelayContext } from "../context.ts";
import type { Limits } from "./limits.ts";
import { requireSignedIn, signedIn } from "./maintainer.ts";
import { SESSION_COOKIE, SESSION_MS, sealSession } from "./maintainer-session.ts";
import { Refusal } from "./refusal.ts";

/** A maintainer signs in on the page, is known there, and signs out (H39). */
export function sessionRoutes(
  context: Pick<RelayContext, "people" | "identity" | "clock">,
  limits: Limits,
): Hono {
  const app = new Hono();

  app.post(routes.session(), async (c) => {
    await limits.request(c);
    const { name, tokenHash, until: earlier } = await requireSignedIn(context, c);
    if (earlier !== null) throw new Refusal("signature-invalid", "a session does not make another");
    const until = context.clock() + SESSION_MS;
    const value = await sealSession({ tokenHash, until }, context.identity);
    setCookie(c, SESSION_COOKIE, value, { ...attributes(c), maxAge: SESSION_MS / 1000 });
    return c.json({ maintainer: name, until } satisfies MaintainerSession);
  });
  app.get(routes.session(), async (c) => {
    const found = await signedIn(context, c);
    const session = { maintainer: found?.name ?? null, until: found?.until ?? null };
    return c.json(session satisfies MaintainerSession);
  });
  app.post(routes.sessionEnd(), async (c) => {
    await limits.request(c);
    deleteCookie(c, SESSION_COOKIE, attributes(c));
    return c.json({ maintainer: null, until: null } satisfies MaintainerSession);
  });
  return app;
}

/**
 * For the relay's page alone, never for its scripts, over TLS where the page came over TLS. Without a path of its own, the cookie
 * goes to the maintainers' routes alone, in whatever folder the page is hosted.
 */
function attributes(c: Context) {
  const secure = c.req.header("x-forwarded-proto") === "https" || c.req.url.startsWith("https:");
  return { httpOnly: true, sameSite: "Strict", secure, path: "" } as const;
}
