import { Hono } from "hono";
import { routes } from "../../core/protocol/routes.ts";
import type { Flow } from "../../core/protocol/schemas/flow.ts";
import type { RelayContext } from "../context.ts";
import { findModel, type ModelContext } from "./answers.ts";
import { countFlow } from "./flow.ts";
import { createMemo } from "./memo.ts";

const DAY_MS = 24 * 3600_000;
const MOST_READ = 5000; // rows of each kind: a fraction of a second, however much comes
const MAX_AGE_MS = 5000;

/** What became of the day's work, station by station (H46). */
export function flowRoutes(context: ModelContext & Pick<RelayContext, "status" | "clock">): Hono {
  const { status, clock } = context;
  const app = new Hono();
  const memo = createMemo<Flow>(clock);

  async function flowOf(model: string): Promise<Flow> {
    const until = clock();
    const day = until - DAY_MS;
    const [rows, refusals] = await Promise.all([
      status.arrivals(model, day, MOST_READ),
      status.doorRefusals(day, MOST_READ),
    ]);
    // where not all was read, what is older than the oldest of either kind is left out of both
    const since = Math.max(
      day,
      rows.length === MOST_READ ? rows.at(-1)!.received_at : day,
      refusals.length === MOST_READ ? refusals.at(-1)!.at : day,
    );
    const span = { since, until };
    const recent = rows.filter(({ received_at }) => received_at >= since);
    return {
      model,
      ...countFlow(
        recent,
        refusals.filter(({ at }) => at >= since),
        span,
      ),
    };
  }

  app.get(routes.flow(), async (c) => {
    const { row } = await findModel(context, c.req.query("model") ?? "");
    const key = { name: row.id, state: 0, maxAgeMs: MAX_AGE_MS };
    return c.json(await memo(key, () => flowOf(row.id)));
  });
  return app;
}
