import { type Context, Hono } from "hono";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import { CLOCK_SKEW_MS, SIGNATURE_HEADER } from "../../core/protocol/limits.ts";
import { routes } from "../../core/protocol/routes.ts";
import { signature as signatureSchema } from "../../core/protocol/schemas/primitives.ts";
import {
  type Ticket,
  type TicketAnswer,
  ticketRequest,
} from "../../core/protocol/schemas/ticket.ts";
import { verifyRequest } from "../../core/protocol/signed-request.ts";
import type { RelayContext } from "../context.ts";
import { followRecipe } from "../history/served-models.ts";
import { issueTicket, standingOf, type TicketContext } from "../intake/tickets.ts";
import { modelUnknown } from "./answers.ts";
import type { Limits } from "./limits.ts";
import { pathPart } from "./params.ts";
import { Refusal } from "./refusal.ts";

/** Asking for work; `onTicket` hears of each ticket that is given out. */
export function ticketRoutes(
  context: TicketContext & Pick<RelayContext, "skew">,
  limits: Limits,
  onTicket: (ticket: Ticket) => void,
): Hono {
  const app = new Hono();
  app.post(routes.tickets(":model"), async (c) => {
    const model = pathPart(c, "model");
    if (!context.models.has(model)) throw modelUnknown();
    const body = await limits.request(c);
    const request = parseJson("ticket request", ticketRequest, body);
    const signature = signatureOf(c);
    if (!(await verifyRequest(routes.tickets(model), body, signature, request.contributor))) {
      throw new Refusal("signature-invalid", "this request is not signed by its contributor");
    }
    const skewMs = request.issuedAt - context.clock();
    context.skew.note(request.contributor, skewMs);
    if (Math.abs(skewMs) > CLOCK_SKEW_MS) {
      const seconds = Math.round(skewMs / 1000);
      throw new Refusal("clock-skew", `issuedAt is ${seconds} s off the relay's clock`);
    }
    limits.key(request.contributor);
    const before = context.models.get(model);
    const standing = await standingOf(context, model, request.contributor);
    if (standing === undefined) throw modelUnknown();
    followRecipe(context.models, standing, before);
    if (standing.banned !== null) throw new Refusal("banned", standing.banned);
    const answer: TicketAnswer = await issueTicket(context, standing, {
      contributor: request.contributor,
      network: limits.network(c),
    });
    if (answer.work) onTicket(answer.ticket);
    return c.json(answer);
  });
  return app;
}

/** The request's signature; without a well-formed one it is refused. */
export function signatureOf(c: Context): string {
  const result = signatureSchema.safeParse(c.req.header(SIGNATURE_HEADER));
  if (result.success) return result.data;
  throw new Refusal("signature-invalid", `${SIGNATURE_HEADER}: 128 hexadecimal digits expected`);
}
