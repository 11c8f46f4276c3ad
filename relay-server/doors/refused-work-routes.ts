import { Hono } from "hono";
import { refusedShares } from "../../core/gate/refused-shares.ts";
import { routes } from "../../core/protocol/routes.ts";
import type { RefusedWork } from "../../core/protocol/schemas/refused-work.ts";
import type { RelayContext } from "../context.ts";
import type { RefusedRow } from "../store/sql/refused-work.ts";
import { findModel, type ModelContext } from "./answers.ts";
import { createMemo } from "./memo.ts";

const DAY_MS = 24 * 3600_000;
const MOST_READ = 2000; // of each kind: enough to name who floods, however much it is
const MOST_NAMED = 50;
const SHOWN_EACH = 5;
const MAX_AGE_MS = 2000;

const UNTOLD = "not told"; // by work from before headers were noted, and by proposals

type RefusalGroup = Omit<RefusedWork["groups"][number], "name">;

/** Who was refused in the last day, why, and with what: whoever is to be banned has to be named first (H21, H47). */
export function refusedWorkRoutes(
  context: ModelContext & Pick<RelayContext, "status" | "people" | "clock">,
): Hono {
  const app = new Hono();
  const memo = createMemo<RefusedWork>(context.clock);
  app.get(routes.refusedWork(), async (c) => {
    const { row } = await findModel(context, c.req.query("model") ?? "");
    const answer = await memo({ name: row.id, state: 0, maxAgeMs: MAX_AGE_MS }, async () => {
      const since = context.clock() - DAY_MS;
      const { rows } = await context.status.refusedWork(row.id, since, MOST_READ);
      const groups = groupRefusals(rows).slice(0, MOST_NAMED);
      const known = await context.people.names(groups.map(({ contributor }) => contributor));
      const names = new Map(known.map(({ contributor, name }) => [contributor, name]));
      const named = groups.map((group) => ({
        ...group,
        name: names.get(group.contributor) ?? null,
      }));
      const made = await context.status.made(row.id, since, MOST_READ);
      const sharesBy = (by: "device" | "software") =>
        refusedShares(made.map((work) => ({ ...work, by: work[by] ?? UNTOLD })));
      const [devices, builds] = [sharesBy("device"), sharesBy("software")];
      return { model: row.id, groups: named, devices, builds };
    });
    return c.json(answer);
  });
  return app;
}

/** `rows`, newest first, by contributor and reason, most first. */
export function groupRefusals(rows: readonly RefusedRow[]): RefusalGroup[] {
  const groups = new Map<string, RefusalGroup>();
  for (const { id, contributor, code, at } of rows) {
    const key = `${contributor} ${code}`;
    const group = groups.get(key);
    if (group === undefined) {
      groups.set(key, { contributor, code, count: 1, lastAt: at, contributions: [id] });
      continue;
    }
    group.count++;
    if (group.contributions.length < SHOWN_EACH) group.contributions.push(id);
  }
  return [...groups.values()].sort((a, b) => b.count - a.count || b.lastAt - a.lastAt);
}
