import { type Context, Hono } from "hono";
import { parseValue } from "../../core/protocol/canonical-json.ts";
import { TICKET_HEADER } from "../../core/protocol/limits.ts";
import { routes } from "../../core/protocol/routes.ts";
import { publicKey, ticketId } from "../../core/protocol/schemas/primitives.ts";
import type { RelayContext } from "../context.ts";
import type { createIntake, Receipt } from "../intake/intake.ts";
import { hashOf } from "../intake/work.ts";
import type { Limits } from "./limits.ts";
import { isHash, pathPart } from "./params.ts";
import { Refusal } from "./refusal.ts";
import { signatureOf } from "./ticket-routes.ts";

const LIVES_A_LIST = 200;

/** Handing work in, and what became of it; `onCreated` hears the model of each contribution that is new. */
export function contributionRoutes(
  context: Pick<RelayContext, "contributions">,
  limits: Limits,
  intake: ReturnType<typeof createIntake>,
  onCreated: (model: string) => void,
): Hono {
  const app = new Hono();
  app.put(routes.contribution(":id"), async (c) => {
    const id = pathPart(c, "id");
    if (!isHash(id)) throw new Refusal("malformed", "the address must end in a SHA-256");
    const signature = signatureOf(c);
    const announced = await welcomed(c, id, signature);
    if (announced instanceof Response) return announced;
    const bytes = await limits.patch(c, announced !== null);
    if (hashOf(bytes) !== id) {
      throw new Refusal("hash-mismatch", `these ${bytes.length} bytes have another SHA-256`);
    }
    const receipt = await intake.take({ id, bytes, signature, announced });
    if (receipt.kind === "created") onCreated(receipt.life.model);
    return answerOf(c, receipt);
  });

  /** What the relay can tell of an announced patch before its bytes; null for one that is not announced. */
  async function welcomed(c: Context, id: string, signature: string) {
    const named = c.req.header(TICKET_HEADER);
    if (named === undefined) return null;
    const ticket = parseValue(TICKET_HEADER, ticketId, named);
    const found = await intake.announce({ id, ticket, signature });
    return found.kind === "welcome" ? found : answerOf(c, found);
  }

  app.get(routes.contribution(":id"), async (c) => {
    const id = pathPart(c, "id");
    const life = isHash(id) ? await context.contributions.contribution(id) : undefined;
    if (life === undefined) {
      throw new Refusal("contribution-unknown", "this relay has no contribution of that hash");
    }
    return c.json(life);
  });
  app.get(routes.contributions(), async (c) => {
    const contributor = parseValue("contributor", publicKey, c.req.query("contributor"));
    const contributions = await context.contributions.contributionsOf(contributor, LIVES_A_LIST);
    return c.json({ contributions });
  });
  return app;
}

function answerOf(c: Context, receipt: Receipt): Response {
  if (receipt.kind === "refused") throw new Refusal(receipt.code, receipt.message);
  return c.json(receipt.life, receipt.kind === "created" ? 201 : 200);
}
