import { Hono } from "hono";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import { MAX_PLAN_BYTES, MAX_SHARD_BYTES } from "../../core/protocol/limits.ts";
import { routes } from "../../core/protocol/routes.ts";
import { additionRequest } from "../../core/protocol/schemas/addition.ts";
import type { RelayContext } from "../context.ts";
import type { Additions } from "../history/additions.ts";
import { hashOf } from "../intake/work.ts";
import { modelUnknown } from "./answers.ts";
import type { Limits } from "./limits.ts";
import { maintainerOf } from "./maintainer.ts";
import { isHash, pathPart } from "./params.ts";
import { Refusal } from "./refusal.ts";

const BUSY_SECONDS = "60";

/** For maintainers only: adding a model to the running relay, or data to one of its models. The token is looked at before a byte of the body is taken. */
export function additionRoutes(
  context: Pick<RelayContext, "people" | "identity" | "clock">,
  additions: Additions,
  limits: Limits,
): Hono {
  const app = new Hono();
  app.post(routes.additions(), async (c) => {
    const maintainer = await maintainerOf(context, c);
    const body = await limits.upload(c, MAX_PLAN_BYTES);
    const request = parseJson("request", additionRequest, body);
    const status = await additions.begin(request, maintainer);
    if (status === "taken") {
      throw new Refusal("model-taken", "this relay has a model of that name");
    }
    if (status === "unknown") throw modelUnknown();
    if (status === "busy") {
      const headers = { "retry-after": BUSY_SECONDS };
      throw new Refusal("unavailable", "too much is being added: wait", headers);
    }
    return c.json(status);
  });
  app.get(routes.addition(":id"), async (c) => {
    await maintainerOf(context, c);
    const status = await additions.status(pathPart(c, "id"));
    if (status === null) throw unknown();
    return c.json(status);
  });
  app.put(routes.additionChunk(":id", ":sha256"), async (c) => {
    await maintainerOf(context, c);
    const sha256 = pathPart(c, "sha256");
    if (!isHash(sha256)) throw new Refusal("malformed", "the address must end in a SHA-256");
    const bytes = await limits.upload(c, MAX_SHARD_BYTES);
    if (hashOf(bytes) !== sha256) {
      throw new Refusal("hash-mismatch", `these ${bytes.length} bytes have another SHA-256`);
    }
    if (!(await additions.put(pathPart(c, "id"), sha256, bytes))) throw unknown();
    return c.json({ sha256 });
  });
  return app;
}

function unknown(): Refusal {
  return new Refusal("addition-unknown", "no such addition is open: begin it again");
}
