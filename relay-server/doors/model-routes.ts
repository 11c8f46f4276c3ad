import { Hono } from "hono";
import { routes } from "../../core/protocol/routes.ts";
import type { ModelCard } from "../../core/protocol/schemas/status.ts";
import type { RelayContext } from "../context.ts";
import { decodeAct } from "../history/acts.ts";
import type { Cloths } from "../merging/cloths.ts";
import { summaryOf } from "../store/sql/versions.ts";
import { cardOf, findModel, findVersion } from "./answers.ts";
import { createMemo } from "./memo.ts";
import { pathPart, queryNumber } from "./params.ts";

const VERSIONS_A_PAGE = 50;

/** Cards, histories and the shard ledger. */
export function modelRoutes(
  context: Pick<RelayContext, "history" | "status" | "models" | "clock">,
  cloths: Cloths,
): Hono {
  const app = new Hono();
  const cards = createMemo<ModelCard>(context.clock);
  /** All of a card follows from the head and the maintainers' acts. */
  async function knownCardOf(id: string): Promise<ModelCard> {
    const model = await findModel(context, id);
    const state = `${model.row.head} ${await context.history.actCount(id)}`;
    const key = { name: id, state, maxAgeMs: Number.POSITIVE_INFINITY };
    return cards(key, () => cardOf(context, model));
  }
  app.get(routes.models(), async (c) => {
    const ids = [...context.models.keys()];
    return c.json({ models: await Promise.all(ids.map(knownCardOf)) });
  });
  app.get(routes.model(":model"), async (c) => c.json(await knownCardOf(pathPart(c, "model"))));

  app.get(routes.versions(":model"), async (c) => {
    const { row } = await findModel(context, pathPart(c, "model"));
    const before = queryNumber(c, "before");
    const rows = await context.history.versions(row.id, before, VERSIONS_A_PAGE);
    const last = rows.at(-1)?.number ?? 0;
    return c.json({ versions: rows.map(summaryOf), next: last === 0 ? null : last });
  });
  app.get(routes.version(":model", ":version"), async (c) => {
    const { row } = await findModel(context, pathPart(c, "model"));
    const { signed } = await findVersion(context, row, pathPart(c, "version"));
    return c.body(new Uint8Array(signed), 200, { "content-type": "application/json" });
  });

  app.get(routes.cloth(":model", ":version"), async (c) => {
    const model = await findModel(context, pathPart(c, "model"));
    const version = await findVersion(context, model.row, pathPart(c, "version"));
    return c.json(await cloths.ofVersion(model, version));
  });

  app.get(routes.acts(":model"), async (c) => {
    const { row } = await findModel(context, pathPart(c, "model"));
    return c.json({ acts: (await context.history.acts(row.id)).map(decodeAct) });
  });

  app.get(routes.shards(":model"), async (c) => {
    const { row, recipe } = await findModel(context, pathPart(c, "model"));
    const [shards, trainers] = await Promise.all([
      context.history.shards(row.id),
      context.history.shardTrainers(row.id),
    ]);
    return c.json({
      model: row.id,
      source: recipe.data.source,
      licence: recipe.data.licence,
      shards: shards.map(({ position, sha256, size_bytes, examples, title, trained }) => ({
        index: position,
        sha256,
        sizeBytes: size_bytes,
        examples,
        title,
        trained,
        contributors: trainers.get(position) ?? 0,
      })),
    });
  });
  return app;
}
