import { Hono } from "hono";
import { cohortSizeFor } from "../../core/merge/cohort-size.ts";
import { routes } from "../../core/protocol/routes.ts";
import type { Now } from "../../core/protocol/schemas/now.ts";
import type { RelayContext } from "../context.ts";
import { findModel, type ModelContext } from "./answers.ts";
import { createMemo } from "./memo.ts";

const MOST_NAMED = 100;
const MAX_AGE_MS = 2000;

/** Who trains this minute, and how far the next version is (H45). */
export function nowRoutes(
  context: ModelContext &
    Pick<RelayContext, "status" | "tickets" | "contributions" | "people" | "clock">,
): Hono {
  const { status, tickets, contributions, people, clock } = context;
  const app = new Hono();
  const memo = createMemo<Now>(clock);

  async function nowOf({ recipe, row }: Awaited<ReturnType<typeof findModel>>): Promise<Now> {
    const at = clock();
    const [atWork, queued, outstanding, waiting] = await Promise.all([
      status.atWork(row.id, at, MOST_NAMED),
      status.queued(row.id, MOST_NAMED),
      tickets.outstanding(row.id, at),
      contributions.undecided(row.id),
    ]);
    const { cohortSize, cohortSeconds } = recipe.merge;
    const known = await people.names(atWork.contributors);
    const names = new Map(known.map(({ contributor, name }) => [contributor, name]));
    const waitedSeconds = queued.since === null ? null : (at - queued.since) / 1000;
    return {
      model: row.id,
      training: {
        count: atWork.count,
        contributors: atWork.contributors.map((contributor) => ({
          contributor,
          name: names.get(contributor) ?? null,
        })),
      },
      cohort: {
        size: cohortSizeFor(cohortSize, { outstanding, waiting }),
        queued: queued.count,
        contributors: [...queued.contributors],
        closesInSeconds:
          waitedSeconds === null
            ? null
            : Math.min(cohortSeconds, Math.max(0, Math.ceil(cohortSeconds - waitedSeconds))),
      },
    };
  }

  app.get(routes.now(), async (c) => {
    const model = await findModel(context, c.req.query("model") ?? "");
    const { head, id } = model.row;
    const answer = await memo({ name: id, state: head, maxAgeMs: MAX_AGE_MS }, () => nowOf(model));
    return c.json(answer, 200, { "cache-control": "public, max-age=2" }); // a crowd asks, and a proxy may answer
  });
  return app;
}
