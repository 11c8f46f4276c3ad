import { Hono } from "hono";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import { routes } from "../../core/protocol/routes.ts";
import { alertRequest } from "../../core/protocol/schemas/alerts.ts";
import { ALERT_LIMITS, type Alerts } from "../alerts/alerts.ts";
import type { RelayContext } from "../context.ts";
import type { Limits } from "./limits.ts";
import { maintainerOf } from "./maintainer.ts";

/** What needs somebody to look, for everybody to read (H48), and from where on it does, for maintainers to set (H49). */
export function alertRoutes(
  context: Pick<RelayContext, "people" | "status" | "identity" | "clock">,
  alerts: Alerts,
  limits: Limits,
): Hono {
  const app = new Hono();
  app.get(routes.alerts(), async (c) => c.json(await alerts.list()));
  app.post(routes.setAlerts(), async (c) => {
    const maintainer = await maintainerOf(context, c);
    const body = await limits.request(c);
    const { limits: set, reason } = parseJson("request", alertRequest, body);
    await context.status.putSettingBy(
      { name: ALERT_LIMITS, value: JSON.stringify(set) },
      { maintainer, at: context.clock(), action: "alerts", reason },
    );
    alerts.forget();
    return c.json(await alerts.list());
  });
  return app;
}
