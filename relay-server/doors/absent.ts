import { type Context, Hono } from "hono";
import { API } from "../../core/protocol/routes.ts";
import type { Config } from "../config.ts";
import { pageRoutes } from "./pages.ts";
import { answerError, refusalAnswer } from "./refusal.ts";
import { securityHeaders } from "./security-headers.ts";

/**
 * What answers while the relay starts, which takes minutes where models are imported, and while it ends: the page, which
 * asks again by itself, and "unavailable", with `message`, to everything that it asks.
 */
export function createAbsentApp({ blobUrl, webDir }: Config, message: string): Hono {
  const app = new Hono();
  const refuse = (c: Context) => refusalAnswer(c, "unavailable", message, { "retry-after": "2" });
  app.onError(answerError);
  app.notFound(refuse); // no GET
  app.use(securityHeaders(blobUrl));
  app.all(`${API}/*`, refuse);
  app.all("/metrics", refuse);
  app.route("/", pageRoutes(webDir));
  return app;
}
