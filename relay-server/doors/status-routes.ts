import { Hono } from "hono";
import { parseValue } from "../../core/protocol/canonical-json.ts";
import { routes } from "../../core/protocol/routes.ts";
import { type Health, leaderboardWindow } from "../../core/protocol/schemas/status.ts";
import type { RelayContext } from "../context.ts";
import type { LeaderboardRow } from "../store/sql/status.ts";
import { findModel, type ModelContext } from "./answers.ts";
import { createMemo } from "./memo.ts";

const HOUR_MS = 3600_000;
const WINDOW_MS = { "24h": 24 * HOUR_MS, "7d": 7 * 24 * HOUR_MS, all: null };
const LEADERS = 100;
const MAX_AGE_MS = 1000; // of a board whose window moves on

/** Health and leaderboards. */
export function statusRoutes(
  context: ModelContext & Pick<RelayContext, "status" | "clock">,
  health: () => Promise<Health>,
): Hono {
  const app = new Hono();
  const boards = createMemo<LeaderboardRow[]>(context.clock);
  app.get(routes.health(), async (c) => c.json(await health()));
  app.get(routes.leaderboard(), async (c) => {
    const { row } = await findModel(context, c.req.query("model") ?? "");
    const window = parseValue("window", leaderboardWindow, c.req.query("window") ?? "all");
    const windowMs = WINDOW_MS[window];
    const leaders = await boards(
      {
        name: `${row.id} ${window}`,
        state: row.head, // credit is given and taken with a version
        maxAgeMs: windowMs === null ? Number.POSITIVE_INFINITY : MAX_AGE_MS,
      },
      () =>
        windowMs === null
          ? context.status.allTimeLeaderboard(row.id, LEADERS)
          : context.status.leaderboard(row.id, context.clock() - windowMs, LEADERS),
    );
    const entries = leaders.map((leader, i) => ({ rank: i + 1, ...leader }));
    return c.json({ model: row.id, window, entries });
  });
  return app;
}
