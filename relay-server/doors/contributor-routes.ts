import { type Context, Hono } from "hono";
import { LRUCache } from "lru-cache";
import { parseJson, parseValue } from "../../core/protocol/canonical-json.ts";
import { CLOCK_SKEW_MS } from "../../core/protocol/limits.ts";
import { routes } from "../../core/protocol/routes.ts";
import {
  blankRequest,
  type ContributorCard,
  type NamedContributor,
  nameRequest,
} from "../../core/protocol/schemas/contributor.ts";
import { publicKey } from "../../core/protocol/schemas/primitives.ts";
import { verifyRequest } from "../../core/protocol/signed-request.ts";
import type { RelayContext } from "../context.ts";
import type { Cloths } from "../merging/cloths.ts";
import type { ModelRow } from "../store/tables.ts";
import { findModel } from "./answers.ts";
import { namedAs } from "./contributor-name.ts";
import type { Limits } from "./limits.ts";
import { maintainerOf } from "./maintainer.ts";
import { pathPart } from "./params.ts";
import { Refusal } from "./refusal.ts";
import { signatureOf } from "./ticket-routes.ts";

const KEPT_RECORDS = 256; // a record of a hundred versions and a year of days is 20 kB

/** What a contributor has done, under which name (H42, H43). */
export function contributorRoutes(
  context: Pick<
    RelayContext,
    "people" | "status" | "contributions" | "history" | "models" | "identity" | "clock"
  >,
  limits: Limits,
  cloths: Cloths,
): Hono {
  const { people, clock } = context;
  const app = new Hono();
  const records = new LRUCache<string, ReturnType<typeof readRecord>>({ max: KEPT_RECORDS });
  const contributorOf = (c: Context) => parseValue("contributor", publicKey, pathPart(c, "id"));
  const modelOf = (c: Context) => findModel(context, c.req.query("model") ?? "");

  async function nameOf(contributor: string): Promise<NamedContributor> {
    const [known] = await people.names([contributor]);
    return known ?? { contributor, name: null, blanked: null };
  }

  app.get(routes.contributor(":id"), async (c) => {
    const contributor = contributorOf(c);
    const { row } = await modelOf(c);
    const [name, record] = await Promise.all([nameOf(contributor), recordOf(row, contributor)]);
    const above = record.above && {
      ...record.above,
      name: (await nameOf(record.above.contributor)).name,
    };
    return c.json({ ...record, ...name, above } satisfies ContributorCard);
  });

  /** What follows from the head: it is read once, however often it is asked for. */
  function recordOf(row: ModelRow, contributor: string): ReturnType<typeof readRecord> {
    const key = `${contributor} ${row.id} ${row.head}`;
    const known = records.get(key);
    if (known !== undefined) return known;
    const made = readRecord(context, row.id, contributor);
    records.set(key, made);
    made.catch(() => records.delete(key)); // who asked hears of it; the next one tries again
    return made;
  }

  app.get(routes.contributorCloth(":id"), async (c) => {
    const contributor = contributorOf(c);
    return c.json(await cloths.ofContributor(await modelOf(c), contributor));
  });

  app.post(routes.contributorName(":id"), async (c) => {
    const contributor = contributorOf(c);
    const body = await limits.request(c);
    const request = parseJson("name request", nameRequest, body);
    const path = routes.contributorName(contributor);
    const isSigned =
      request.contributor === contributor &&
      (await verifyRequest(path, body, signatureOf(c), contributor));
    if (!isSigned) {
      throw new Refusal("signature-invalid", "this request is not signed by its contributor");
    }
    const skewMs = request.issuedAt - clock();
    if (Math.abs(skewMs) > CLOCK_SKEW_MS) {
      const seconds = Math.round(skewMs / 1000);
      throw new Refusal("clock-skew", `issuedAt is ${seconds} s off the relay's clock`);
    }
    limits.key(contributor);
    const banned = await people.banReason(contributor);
    if (banned !== undefined) throw new Refusal("banned", banned);
    const named = namedAs(request.name);
    const signedAt = request.issuedAt;
    const outcome = await people.putName({ contributor, ...named, signedAt });
    if (outcome !== "named") throw new Refusal(outcome, OBJECTIONS[outcome]);
    return c.json(await nameOf(contributor));
  });

  async function setBlank(c: Context, change: typeof people.blankName): Promise<Response> {
    const maintainer = await maintainerOf(context, c);
    const request = parseJson("request", blankRequest, await limits.request(c));
    await change({ ...request, maintainer, at: clock() });
    return c.json(await nameOf(request.contributor));
  }
  app.post(routes.blankName(), (c) => setBlank(c, people.blankName));
  app.post(routes.unblankName(), (c) => setBlank(c, people.unblankName));
  return app;
}

async function readRecord(
  { status, contributions }: Pick<RelayContext, "status" | "contributions">,
  model: string,
  contributor: string,
) {
  const [standing, totals, span, versions, days, judgedExamples] = await Promise.all([
    status.standing(model, contributor),
    status.totals(model),
    status.mergedSpan(model, contributor),
    status.mergedByVersion(model, contributor),
    status.mergedByDay(model, contributor),
    contributions.judgedExamples(model, contributor),
  ]);
  return {
    model,
    credit: standing?.credit ?? 0,
    merged: standing?.merged ?? 0,
    judgedExamples,
    rank: standing?.rank ?? null,
    of: totals.contributors,
    above: standing?.above ?? null,
    firstMergedAt: span.first,
    lastMergedAt: span.last,
    versions: versions.map(({ at, ...sum }) => ({ number: at, ...sum })),
    days: days.map(({ at, ...sum }) => ({ day: at, ...sum })),
  };
}

const OBJECTIONS = {
  "name-taken": "somebody has this name, or one that looks like it",
  "name-blanked": "a maintainer blanked this key's name, and has not let it choose another",
  "name-late": "a name that was signed later is known already",
} as const;
