import { Hono } from "hono";
import { parseValue } from "../../core/protocol/canonical-json.ts";
import { MAX_PATCH_BYTES } from "../../core/protocol/limits.ts";
import { routes } from "../../core/protocol/routes.ts";
import { publicKey } from "../../core/protocol/schemas/primitives.ts";
import type { RelayContext } from "../context.ts";
import { type createIntake, hasHash } from "../intake/intake.ts";
import type { Limits } from "./limits.ts";
import { pathPart } from "./params.ts";
import { Refusal } from "./refusal.ts";
import { signatureOf } from "./ticket-routes.ts";

const LIVES_A_LIST = 200;
const HASH = /^[0-9a-f]{64}$/;

/** Handing work in, and what became of it. */
export function contributionRoutes(
  context: RelayContext,
  limits: Limits,
  intake: ReturnType<typeof createIntake>,
): Hono {
  const app = new Hono();
  app.put(routes.contribution(":id"), async (c) => {
    limits.address(c);
    const id = pathPart(c, "id");
    if (!HASH.test(id)) throw new Refusal("malformed", "the address must end in a SHA-256");
    const signature = signatureOf(c);
    const bytes = await limits.body(c, MAX_PATCH_BYTES);
    if (!(await hasHash(id, bytes))) {
      throw new Refusal("hash-mismatch", `these ${bytes.length} bytes have another SHA-256`);
    }
    const receipt = await intake({ id, bytes, signature });
    if (receipt.kind === "refused") throw new Refusal(receipt.code, receipt.message);
    return c.json(receipt.life, receipt.kind === "created" ? 201 : 200);
  });

  app.get(routes.contribution(":id"), async (c) => {
    const id = pathPart(c, "id");
    const life = await context.ledger.contribution(id);
    if (life === undefined) {
      throw new Refusal("contribution-unknown", "this relay has no contribution of that hash");
    }
    return c.json(life);
  });
  app.get(routes.contributions(), async (c) => {
    const contributor = parseValue("contributor", publicKey, c.req.query("contributor"));
    const contributions = await context.ledger.contributionsOf(contributor, LIVES_A_LIST);
    return c.json({ contributions });
  });
  return app;
}
