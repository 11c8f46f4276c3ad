import { verifyId } from "../../core/crypto/signature.ts";
import { assert, FormatError } from "../../core/errors.ts";
import { workTerms } from "../../core/history/recipe-change.ts";
import { openPatch } from "../../core/patch/patch.ts";
import {
  REJECT_CODES,
  type RejectCode,
  refuse,
  type Verdict,
} from "../../core/protocol/reject-codes.ts";
import type { Contribution, PatchHeader } from "../../core/protocol/schemas/contribution.ts";
import type { Ticket } from "../../core/protocol/schemas/ticket.ts";
import type { MaskCache } from "../content/masks.ts";
import type { RelayContext } from "../context.ts";
import type { Arrival } from "../store/sql/contributions.ts";
import type { PresentModel } from "../store/sql/present.ts";
import { KEPT_AFTER_EXPIRY_MS, SPENT } from "../store/sql/tickets.ts";
import {
  TICKET_UNKNOWN,
  validateExpiry,
  validateRetirement,
  validateStaleness,
  validateTerms,
  validateTicket,
} from "./rules.ts";
import { createClips, readWork } from "./work.ts";

/** What a sender says of a patch before its bytes: its hash, its ticket's id, its signature. */
export type Announcement = {
  readonly id: string;
  readonly ticket: string;
  readonly signature: string;
};

/** A patch file as it came, its hash checked against its address. */
export type Delivery = {
  readonly id: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly signature: string;
  /** What was found welcome before the bytes came. */
  readonly announced: Welcome | null;
};

/** The signature is the contributor's, and the ticket theirs to use. */
export type Welcome = {
  readonly kind: "welcome";
  readonly contributor: string;
  readonly arrival: Arrival;
};

export type Receipt =
  | { readonly kind: "created" | "known"; readonly life: Contribution }
  | { readonly kind: "refused"; readonly code: RejectCode; readonly message: string };

const HOUR_MS = 3600_000;

type Intake = {
  /** What there is to say before a single byte of the patch is taken. */
  announce(announcement: Announcement): Promise<Welcome | Receipt>;
  take(delivery: Delivery): Promise<Receipt>;
};
type Refused = Verdict & { ok: false };

/**
 * Step 6 of the walk: from the cheap rule to the dear one, then bytes and row in one commit. Idempotent by id; what
 * is refused with status 422 for more than its ticket is recorded and repeats, until the ticket is long expired. Broken
 * bytes are a FormatError. The ledger is called twice for a contribution that is accepted.
 */
export function createIntake(
  context: Pick<RelayContext, "tickets" | "contributions" | "config" | "clock" | "models">,
  positionsOf: MaskCache,
  onSigned: (contributor: string) => void,
): Intake {
  const { config, tickets, contributions, clock, models } = context;
  const clipOf = createClips(contributions);

  /** The answer to what was sent before: it may have come at the same moment, after `arrival` was read. */
  async function answerAgain(id: string, ticket: string): Promise<Receipt> {
    return recall(await contributions.arrival(id, ticket)) ?? refusalOf(conflict("ticket-used"));
  }

  /** A recorded refusal spends the ticket: else one ticket, with another byte in each file, could fill the disk. */
  async function recordRefusal(id: string, header: PatchHeader, no: Refused): Promise<Receipt> {
    const { code, message } = no;
    const at = clock();
    const { contributor, model, device, software } = header;
    const row = { id, contributor, code, message, refused_at: at, model, device, software };
    const forgottenBefore = at - config.ticketHours * HOUR_MS - KEPT_AFTER_EXPIRY_MS;
    await contributions.recordRefusal(row, header.ticket, forgottenBefore);
    return refusalOf(no);
  }

  async function announce({ id, ticket, signature }: Announcement): Promise<Welcome | Receipt> {
    const arrival = await contributions.arrival(id, ticket);
    const known = recall(arrival);
    if (known !== null) return known;
    if (arrival.ticket === undefined) return refusalOf(TICKET_UNKNOWN);
    const { contributor, expires_at, used_by, used } = arrival.ticket;
    if (!(await verifyId("contribution", id, signature, contributor))) {
      const message = "the address is not signed by the ticket's contributor";
      return { kind: "refused", code: "signature-invalid", message };
    }
    onSigned(contributor);
    const timely = validateExpiry(Number(expires_at), clock());
    if (!timely.ok) return refusalOf(timely);
    if ((used_by ?? id) !== id || used === SPENT) return answerAgain(id, ticket);
    return { kind: "welcome", contributor, arrival };
  }

  /** Whether the contributor that `header` names signed the file. */
  async function isSigned(header: PatchHeader, delivery: Delivery): Promise<boolean> {
    const { id, signature, announced } = delivery;
    if (announced !== null) return announced.contributor === header.contributor;
    if (!(await verifyId("contribution", id, signature, header.contributor))) return false;
    onSigned(header.contributor);
    return true;
  }

  async function take(delivery: Delivery): Promise<Receipt> {
    const { id, bytes, signature, announced } = delivery;
    const opened = openPatch(bytes);
    const { header } = opened;
    if (announced !== null && announced.arrival.ticket?.id !== header.ticket) {
      const { id: named } = announced.arrival.ticket ?? {};
      throw new FormatError(`patch: ticket ${header.ticket}, announced was ${named}`);
    }
    const arrival = announced?.arrival ?? (await contributions.arrival(id, header.ticket));
    const known = recall(arrival);
    if (known !== null) return known;
    if (!(await isSigned(header, delivery))) {
      const message = "the file is not signed by the contributor that it names";
      return { kind: "refused", code: "signature-invalid", message };
    }
    const served = models.get(header.model);
    if (served === undefined) {
      const message = `this relay has no model ${header.model}`;
      return { kind: "refused", code: "model-unknown", message };
    }
    const ticketed = checkTicket(id, header, arrival);
    if (!ticketed.ok) {
      if (ticketed.code === "ticket-mismatch") await tickets.spendTicket(header.ticket);
      return refusalOf(ticketed);
    }
    const { row } = ticketed;
    const { stalenessLimit } = served.recipe.merge;
    const validatePresent = ({ retired, head }: PresentModel) => {
      const isOpen = validateRetirement(retired);
      return isOpen.ok ? validateStaleness(row.base, head, stalenessLimit) : isOpen;
    };
    const isCurrent = validateTerms(ticketed.terms, await workTerms(served.recipe));
    for (const verdict of [validatePresent(row), isCurrent]) {
      if (verdict.ok) continue;
      await tickets.spendTicket(header.ticket); // it came back
      return refusalOf(verdict);
    }
    if (row.used === SPENT) return answerAgain(id, header.ticket);
    const clipNorm = await clipOf(served.recipe, row.head);
    const work = await readWork(positionsOf, served, opened, clipNorm);
    if (!work.ok) return recordRefusal(id, header, work);
    const now = clock();
    const entry = await contributions.enter(
      {
        id,
        model: header.model,
        contributor: header.contributor,
        ticket: header.ticket,
        base: row.base,
        fork: null,
        state: "received",
        reason_code: null,
        reason_message: null,
        shards: JSON.stringify(header.shards),
        examples: header.examples,
        size_bytes: bytes.length,
        signature,
        values_hash: work.valuesHash,
        norm: work.norm,
        on_mask: row.hasMaskOfHead ? 1 : 0,
        agreement: null,
        screened_at: null,
        scored_at: null,
        score: null,
        postponed: 0,
        received_at: now,
        updated_at: now,
        version: null,
        multiplier: null,
        credit: 0,
        device: header.device,
        software: header.software,
      },
      bytes,
      stalenessLimit, // anew, in the commit: a version or a retirement may have come during the upload
    );
    if (entry.kind === "late") {
      const late = validatePresent(entry.present);
      assert(!late.ok, "what is late is stale or its model retired");
      return refusalOf(late);
    }
    if (entry.kind !== "refused") return entry;
    const no = conflict(entry.code);
    return entry.code === "copied" ? recordRefusal(id, header, no) : refusalOf(no);
  }

  function checkTicket(
    id: string,
    header: PatchHeader,
    { ticket: row }: Arrival,
  ): ({ ok: true; row: NonNullable<Arrival["ticket"]> } & Pick<Ticket, "terms">) | Refused {
    if (row === undefined || row.ticket === "") return TICKET_UNKNOWN; // what it asked for may be forgotten
    const ticket = JSON.parse(row.ticket) as Ticket; // as the relay wrote it
    const verdict = validateTicket(header, ticket, clock());
    if (!verdict.ok) return verdict;
    const usedBy = row.used_by ?? id; // the same contribution at the same moment is no second one
    if (usedBy !== id) return conflict("ticket-used");
    return { ok: true, row, terms: ticket.terms };
  }
  return { announce, take };
}

/** The answer that a contribution or a refusal had before, if it had one. */
function recall({ life, refusal }: Arrival): Receipt | null {
  if (life !== undefined) return { kind: "known", life };
  if (refusal === undefined) return null;
  const code = Object.hasOwn(REJECT_CODES, refusal.code) ? refusal.code : "malformed";
  return { kind: "refused", code: code as RejectCode, message: refusal.message };
}

function refusalOf({ code, message }: Refused): Receipt {
  return { kind: "refused", code, message };
}

const CONFLICTS = {
  "ticket-used": "other work came with this ticket before",
  copied: "the same values were contributed before",
  banned: "a maintainer of this relay takes no work of this contributor any more",
} as const;

function conflict(code: keyof typeof CONFLICTS): Refused {
  return refuse(code, CONFLICTS[code]);
}
