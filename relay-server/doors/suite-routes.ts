import { type Context, Hono } from "hono";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import { MAX_SUITES_IN_FORCE } from "../../core/protocol/limits.ts";
import { routes } from "../../core/protocol/routes.ts";
import type { Deed } from "../../core/protocol/schemas/act.ts";
import { suiteRequest } from "../../core/protocol/schemas/admin.ts";
import type { SuiteLife } from "../../core/protocol/schemas/suite.ts";
import type { RelayContext } from "../context.ts";
import { nextAct } from "../history/acts.ts";
import { suiteFits } from "../history/suites.ts";
import { takeSuite } from "../intake/suite-intake.ts";
import { hashOf } from "../intake/work.ts";
import { type SuiteActOutcome, suiteLifeOf } from "../store/sql/suites.ts";
import { findModel } from "./answers.ts";
import type { Limits } from "./limits.ts";
import { maintainerOf } from "./maintainer.ts";
import { isHash, pathPart } from "./params.ts";
import { Refusal } from "./refusal.ts";
import { signatureOf } from "./ticket-routes.ts";

const REFUSALS: Readonly<Record<Exclude<SuiteActOutcome, "done" | "overtaken">, string>> = {
  "suite-decided": "this suite is not where that can be done: look at its state",
  "suites-full": "the gate tests on as many suites as it can: withdraw one first",
};

/** Suites that people propose, and what maintainers decide about them; `onWork` hears which model's loop has something to do. */
export function suiteRoutes(
  context: Pick<RelayContext, "history" | "people" | "models" | "blobs" | "identity" | "clock">,
  limits: Limits,
  onWork: (model: string) => void,
): Hono {
  const { history, blobs, clock } = context;
  const app = new Hono();

  async function lifeOf(id: string, model?: string): Promise<SuiteLife> {
    const row = isHash(id) ? await history.suite(id) : undefined;
    if (row !== undefined && (model === undefined || row.model === model)) return suiteLifeOf(row);
    throw new Refusal("suite-unknown", "nobody proposed a suite of that hash");
  }

  app.get(routes.suites(":model"), async (c) => {
    const { row } = await findModel(context, pathPart(c, "model"));
    return c.json({ suites: (await history.suites(row.id)).map(suiteLifeOf) });
  });
  app.get(routes.suite(":id"), async (c) => c.json(await lifeOf(pathPart(c, "id"))));

  app.put(routes.suite(":id"), async (c) => {
    const id = pathPart(c, "id");
    if (!isHash(id)) throw new Refusal("malformed", "the address must end in a SHA-256");
    const signature = signatureOf(c);
    const bytes = await limits.patch(c, false); // as many bytes as a patch, of a stranger
    if (hashOf(bytes) !== id) {
      throw new Refusal("hash-mismatch", `these ${bytes.length} bytes have another SHA-256`);
    }
    const receipt = await takeSuite(context, { id, bytes, signature });
    if (receipt.kind === "refused") throw new Refusal(receipt.code, receipt.message);
    const isNew = receipt.kind === "created";
    if (isNew) onWork(receipt.life.header.model);
    return c.json(receipt.life, isNew ? 201 : 200);
  });

  app.get(routes.suiteFile(":id"), async (c) => {
    await maintainerOf(context, c);
    const { id } = await lifeOf(pathPart(c, "id"));
    const bytes = (await history.suiteBytes(id)) ?? (await blobs.read(id));
    if (bytes === null)
      throw new Refusal("blob-unknown", "the file of a refused suite is not kept");
    return c.body(bytes, 200, { "content-type": "application/octet-stream" });
  });

  app.post(routes.refuseSuite(), async (c) => {
    const { maintainer, suite, reason: message } = await wishOf(c);
    if (!(await history.refuseSuite(suite.id, { message, maintainer, at: clock() }))) {
      throw new Refusal("suite-decided", REFUSALS["suite-decided"]);
    }
    return c.json(await lifeOf(suite.id));
  });

  app.post(routes.acceptSuite(), async (c) => {
    const wish = await wishOf(c);
    const { id, header, signature, examples, findings, state } = wish.suite;
    if (state !== "waiting" || findings === null) {
      throw new Refusal("suite-decided", REFUSALS["suite-decided"]);
    }
    if ((await history.suitesInForce(wish.model)).length >= MAX_SUITES_IN_FORCE) {
      throw new Refusal("suites-full", REFUSALS["suites-full"]); // before its file is public
    }
    await refuseUnfit(wish);
    const bytes = await history.suiteBytes(id);
    if (bytes !== undefined) await blobs.put(bytes); // before the act that names it
    const { name, contributor, marginNats } = header;
    const { setAside } = findings;
    const suite = { suite: id, name, contributor, signature, marginNats, examples, setAside };
    await act(wish, { kind: "accept-suite", ...suite }, history.acceptSuite);
    onWork(wish.model);
    return c.json(await lifeOf(id));
  });

  /** The recipe may be another one since the relay looked at the suite. Returns the text of the recipe that it fits. */
  async function refuseUnfit({ model, suite: { id } }: Wish): Promise<string> {
    const { recipe, recipeText } = await findModel(context, model);
    const row = await history.suite(id);
    const fit = row && suiteFits(row, recipe);
    if (fit !== undefined && !fit.ok) throw new Refusal(fit.code, fit.message);
    return recipeText;
  }

  app.post(routes.withdrawSuite(), async (c) => {
    const wish = await wishOf(c);
    const { id, header } = wish.suite;
    await act(wish, { kind: "withdraw-suite", name: header.name }, history.withdrawSuite);
    onWork(wish.model);
    return c.json(await lifeOf(id));
  });

  type Wish = {
    readonly maintainer: string;
    readonly model: string;
    readonly suite: SuiteLife;
    readonly reason: string;
  };

  async function wishOf(c: Context): Promise<Wish> {
    const maintainer = await maintainerOf(context, c);
    const { suite, ...wish } = parseJson("request", suiteRequest, await limits.request(c));
    await findModel(context, wish.model);
    return { ...wish, maintainer, suite: await lifeOf(suite, wish.model) };
  }

  /** Sign the deed and carry it out, anew where another act or a version was faster. */
  async function act(
    wish: Wish,
    deed: Deed,
    enter: RelayContext["history"]["acceptSuite"] | RelayContext["history"]["withdrawSuite"],
  ): Promise<void> {
    const { maintainer, model, suite, reason } = wish;
    for (;;) {
      const recipe = deed.kind === "accept-suite" ? await refuseUnfit(wish) : "";
      const next = await nextAct(context, model, { deed, reason });
      const doing = { suite: suite.id, recipe, reason, maintainer, at: clock() };
      const outcome = await enter({ ...next, ...doing });
      if (outcome === "done") return;
      if (outcome !== "overtaken") throw new Refusal(outcome, REFUSALS[outcome]);
    }
  }
  return app;
}
