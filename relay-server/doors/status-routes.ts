import { Hono } from "hono";
import { parseValue } from "../../core/protocol/canonical-json.ts";
import { routes } from "../../core/protocol/routes.ts";
import {
  type Health,
  type Leaderboard,
  leaderboardWindow,
} from "../../core/protocol/schemas/status.ts";
import type { RelayContext } from "../context.ts";
import { findModel, type ModelContext } from "./answers.ts";
import { createMemo } from "./memo.ts";

const HOUR_MS = 3600_000;
const WINDOW_MS = { "24h": 24 * HOUR_MS, "7d": 7 * 24 * HOUR_MS, all: null };
const LEADERS = 100;
const MAX_AGE_MS = 1000; // windows move on, and names change

/** Health and leaderboards. */
export function statusRoutes(
  context: ModelContext & Pick<RelayContext, "status" | "people" | "clock">,
  health: () => Promise<Health>,
): Hono {
  const app = new Hono();
  const boards = createMemo<Leaderboard["entries"]>(context.clock);

  async function entriesOf(
    model: string,
    windowMs: number | null,
  ): Promise<Leaderboard["entries"]> {
    const leaders = await (windowMs === null
      ? context.status.allTimeLeaderboard(model, LEADERS)
      : context.status.leaderboard(model, context.clock() - windowMs, LEADERS));
    const known = await context.people.names(leaders.map(({ contributor }) => contributor));
    const names = new Map(known.map(({ contributor, name }) => [contributor, name]));
    return leaders.map((leader, i) => {
      return { rank: i + 1, name: names.get(leader.contributor) ?? null, ...leader };
    });
  }

  app.get(routes.health(), async (c) => c.json(await health()));
  app.get(routes.leaderboard(), async (c) => {
    const { row } = await findModel(context, c.req.query("model") ?? "");
    const window = parseValue("window", leaderboardWindow, c.req.query("window") ?? "all");
    const windowMs = WINDOW_MS[window];
    const entries = await boards(
      { name: `${row.id} ${window}`, state: row.head, maxAgeMs: MAX_AGE_MS },
      () => entriesOf(row.id, windowMs),
    );
    return c.json({ model: row.id, window, entries });
  });
  return app;
}
