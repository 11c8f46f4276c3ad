import type { Context } from "hono";
import { sha256 } from "../../core/crypto/signature.ts";
import type { RelayContext } from "../context.ts";
import { Refusal } from "./refusal.ts";

/** The name of the maintainer whose token the request carries; a Refusal if it carries none that is good. */
export async function maintainerOf(
  { people }: Pick<RelayContext, "people">,
  c: Context,
): Promise<string> {
  const token = /^Bearer (\S{20,200})$/.exec(c.req.header("authorization") ?? "")?.[1];
  const hash = token && (await sha256(new TextEncoder().encode(token)));
  const name = hash && (await people.maintainer(hash));
  if (name) return name;
  throw new Refusal("signature-invalid", "this needs a maintainer's token", {
    "www-authenticate": "Bearer",
  });
}
