import { type Context, Hono } from "hono";
import { assert } from "../../core/errors.ts";
import { encodeHex } from "../../core/hex.ts";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import { routes } from "../../core/protocol/routes.ts";
import { proposalRequest } from "../../core/protocol/schemas/admin.ts";
import type { MaskCache } from "../content/masks.ts";
import type { RelayContext } from "../context.ts";
import { PROPOSAL_WORDS, takeProposal } from "../intake/proposal-intake.ts";
import { validateRetirement, validateStaleness } from "../intake/rules.ts";
import {
  type AcceptanceOutcome,
  type ProposalEntry,
  proposalLifeOf,
} from "../store/sql/proposals.ts";
import { USED } from "../store/sql/tickets.ts";
import type { ContributionRow, TicketRow } from "../store/tables.ts";
import { findModel } from "./answers.ts";
import type { Limits } from "./limits.ts";
import { maintainerOf } from "./maintainer.ts";
import { isHash, pathPart } from "./params.ts";
import { Refusal } from "./refusal.ts";
import { signatureOf } from "./ticket-routes.ts";

const TICKET_BYTES = 16;

/** What forks offer to their upstream, and what maintainers decide about it (protocol K); `onWork` hears which model's loop has something to do. */
export function proposalRoutes(
  context: RelayContext,
  { limits, positionsOf }: { readonly limits: Limits; readonly positionsOf: MaskCache },
  onWork: (model: string) => void,
): Hono {
  const { contributions, people, blobs, clock, random } = context;
  const app = new Hono();

  async function entryOf(model: string, id: string): Promise<ProposalEntry> {
    const entry = isHash(id) ? await contributions.proposal(model, id, clock()) : undefined;
    if (entry !== undefined) return entry;
    throw new Refusal("proposal-unknown", "nobody proposed a contribution of that hash");
  }

  app.get(routes.proposals(":model"), async (c) => {
    const { row } = await findModel(context, pathPart(c, "model"));
    const proposals = await contributions.proposals(row.id, clock());
    return c.json({ proposals: proposals.map(proposalLifeOf) });
  });
  app.get(routes.proposal(":model", ":id"), async (c) => {
    const { row } = await findModel(context, pathPart(c, "model"));
    return c.json(proposalLifeOf(await entryOf(row.id, pathPart(c, "id"))));
  });

  app.put(routes.proposal(":model", ":id"), async (c) => {
    const id = pathPart(c, "id");
    if (!isHash(id)) throw new Refusal("malformed", "the address must end in a SHA-256");
    const delivery = { model: pathPart(c, "model"), id, signature: signatureOf(c) };
    const bytes = await limits.proposal(c);
    const receipt = await takeProposal(context, positionsOf, { ...delivery, bytes });
    if (receipt.kind === "refused") throw new Refusal(receipt.code, receipt.message);
    return c.json(receipt.life, receipt.kind === "created" ? 201 : 200);
  });

  async function wishOf(c: Context) {
    const maintainer = await maintainerOf(context, c);
    const wish = parseJson("request", proposalRequest, await limits.request(c));
    const served = await findModel(context, wish.model);
    await entryOf(wish.model, wish.proposal);
    return { ...wish, maintainer, served };
  }

  app.post(routes.refuseProposal(), async (c) => {
    const { maintainer, model, proposal, reason: message } = await wishOf(c);
    if (!(await contributions.refuseProposal(proposal, { message, maintainer, at: clock() }))) {
      throw new Refusal("proposal-decided", PROPOSAL_WORDS["proposal-decided"]);
    }
    return c.json(proposalLifeOf(await entryOf(model, proposal)));
  });

  app.post(routes.acceptProposal(), async (c) => {
    const { maintainer, model, proposal, reason, served } = await wishOf(c);
    const waiting = await contributions.waitingProposal(proposal);
    if (waiting === undefined) {
      throw new Refusal("proposal-decided", PROPOSAL_WORDS["proposal-decided"]);
    }
    await blobs.put(Uint8Array.from(waiting.record)); // before the merge that names it
    const ticket = ticketFor(waiting, encodeHex(random(TICKET_BYTES)), clock());
    const { stalenessLimit } = served.recipe.merge;
    const outcome = await contributions.acceptProposal({
      contribution: contributionOf(waiting, ticket),
      ticket,
      stalenessLimit,
      maintainer,
      reason,
    });
    if (outcome !== "done") {
      throw await refusalFor(outcome, {
        contributor: waiting.contributor,
        base: waiting.base,
        stalenessLimit,
      });
    }
    onWork(model);
    return c.json(proposalLifeOf(await entryOf(model, proposal)));
  });

  async function refusalFor(
    outcome: Exclude<AcceptanceOutcome, "done">,
    work: Pick<ContributionRow, "contributor" | "base"> & { readonly stalenessLimit: number },
  ): Promise<Refusal> {
    if (outcome === "banned") {
      return new Refusal("banned", (await people.banReason(work.contributor)) ?? "banned just now");
    }
    if (typeof outcome === "string") return new Refusal(outcome, PROPOSAL_WORDS[outcome]);
    const { retired, head } = outcome.present;
    const isOpen = validateRetirement(retired);
    const late = isOpen.ok ? validateStaleness(work.base, head, work.stalenessLimit) : isOpen;
    assert(!late.ok, "what is late is stale or its model retired");
    return new Refusal(late.code, late.message);
  }
  return app;
}

/** A ticket that only this contribution has: nobody was given it, and it asks for nothing. */
function ticketFor({ model, contributor, base }: ProposalEntry, id: string, at: number): TicketRow {
  return { id, model, contributor, base, ticket: "", issued_at: at, expires_at: at, used: USED };
}

function contributionOf(
  proposal: ProposalEntry,
  { id: ticket, issued_at: at }: TicketRow,
): ContributionRow {
  const { id, model, contributor, signature, fork, base } = proposal;
  const { examples, size_bytes, values_hash, norm } = proposal;
  return {
    ...{ id, model, contributor, ticket, base, fork },
    state: "received",
    reason_code: null,
    reason_message: null,
    shards: "[]", // the fork's: this model's ledger does not know them
    ...{ examples, size_bytes, signature, values_hash, norm },
    on_mask: 0, // as the commit finds it
    agreement: null,
    screened_at: null,
    scored_at: null,
    score: null,
    postponed: 0,
    received_at: at,
    updated_at: at,
    version: null,
    multiplier: null,
    credit: 0,
    device: null, // of another relay's volunteer: nothing here can be told from it
    software: null,
  };
}
