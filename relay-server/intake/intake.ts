import { sha256, verifyId } from "../../core/crypto/signature.ts";
import { FormatError } from "../../core/errors.ts";
import { decodePatchHeader } from "../../core/patch/patch.ts";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import {
  REJECT_CODES,
  type RejectCode,
  refuse,
  type Verdict,
} from "../../core/protocol/reject-codes.ts";
import type { Contribution, PatchHeader } from "../../core/protocol/schemas/contribution.ts";
import { type Ticket, ticket as ticketSchema } from "../../core/protocol/schemas/ticket.ts";
import type { MaskCache } from "../content/masks.ts";
import type { RelayContext } from "../context.ts";
import { KEPT_AFTER_EXPIRY_MS, SPENT } from "../store/tickets.ts";
import { TICKET_UNKNOWN, validateExpiry, validateStaleness, validateTicket } from "./rules.ts";
import { readWork } from "./work.ts";

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
  readonly ticket: string;
  readonly contributor: string;
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
 * bytes are a FormatError.
 */
export function createIntake(
  context: RelayContext,
  positionsOf: MaskCache,
  onSigned: (contributor: string) => void,
): Intake {
  const { config, ledger, clock, models } = context;

  async function recall(id: string): Promise<Receipt | null> {
    const [life, refusal] = await Promise.all([ledger.contribution(id), ledger.refusal(id)]);
    if (life !== undefined) return { kind: "known", life };
    if (refusal === undefined) return null;
    const code = Object.hasOwn(REJECT_CODES, refusal.code) ? refusal.code : "malformed";
    return { kind: "refused", code: code as RejectCode, message: refusal.message };
  }

  /** A recorded refusal spends the ticket: else one ticket, with another byte in each file, could fill the disk. */
  async function recordRefusal(id: string, header: PatchHeader, no: Refused): Promise<Receipt> {
    const { code, message } = no;
    const at = clock();
    const row = { id, contributor: header.contributor, code, message, refused_at: at };
    const forgottenBefore = at - config.ticketHours * HOUR_MS - KEPT_AFTER_EXPIRY_MS;
    await ledger.recordRefusal(row, header.ticket, forgottenBefore);
    return refusalOf(no);
  }

  async function announce({ id, ticket, signature }: Announcement): Promise<Welcome | Receipt> {
    const known = await recall(id);
    if (known !== null) return known;
    const row = await ledger.ticket(ticket);
    if (row === undefined) return refusalOf(TICKET_UNKNOWN);
    const { contributor } = row;
    if (!(await verifyId("contribution", id, signature, contributor))) {
      const message = "the address is not signed by the ticket's contributor";
      return { kind: "refused", code: "signature-invalid", message };
    }
    onSigned(contributor);
    const timely = validateExpiry(Number(row.expires_at), clock());
    if (!timely.ok) return refusalOf(timely);
    const isUsed = (row.used_by ?? id) !== id || row.used === SPENT;
    // this very file may have used it, at the same moment
    if (isUsed) return (await recall(id)) ?? refusalOf(conflict("ticket-used"));
    return { kind: "welcome", ticket, contributor };
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
    const known = announced === null ? await recall(id) : null;
    if (known !== null) return known;
    const header = decodePatchHeader(bytes);
    if (announced !== null && announced.ticket !== header.ticket) {
      throw new FormatError(`patch: ticket ${header.ticket}, announced was ${announced.ticket}`);
    }
    if (!(await isSigned(header, delivery))) {
      const message = "the file is not signed by the contributor that it names";
      return { kind: "refused", code: "signature-invalid", message };
    }
    const served = models.get(header.model);
    const model = served && (await ledger.model(header.model));
    if (model === undefined || served === undefined) {
      const message = `this relay has no model ${header.model}`;
      return { kind: "refused", code: "model-unknown", message };
    }
    const ticketed = await checkTicket(id, header);
    if (!ticketed.ok) {
      if (ticketed.code === "ticket-mismatch") await ledger.spendTicket(header.ticket);
      return refusalOf(ticketed);
    }
    const { base } = ticketed.ticket;
    const limit = served.recipe.merge.stalenessLimit;
    const fresh = validateStaleness(base.number, model.head, limit);
    if (!fresh.ok) {
      await ledger.spendTicket(header.ticket); // it came back
      return refusalOf(fresh);
    }
    // this very file may have spent it, at the same moment
    if (ticketed.isSpent) return (await recall(id)) ?? refusalOf(conflict("ticket-used"));
    const work = await readWork(context, positionsOf, served, header, bytes);
    if (!work.ok) return recordRefusal(id, header, work);
    const now = clock();
    const entry = await ledger.enter(
      {
        id,
        model: header.model,
        contributor: header.contributor,
        ticket: header.ticket,
        base: base.number,
        state: "received",
        reason_code: null,
        reason_message: null,
        shards: JSON.stringify(header.shards),
        examples: header.examples,
        size_bytes: bytes.length,
        signature,
        values_hash: work.valuesHash,
        norm: work.norm,
        on_mask: (await ledger.isOnMask(header.model, base.number)) ? 1 : 0,
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
      },
      bytes,
    );
    if (entry.kind !== "refused") return entry;
    const no = conflict(entry.code);
    return entry.code === "copied" ? recordRefusal(id, header, no) : refusalOf(no);
  }

  async function checkTicket(
    id: string,
    header: PatchHeader,
  ): Promise<{ ok: true; ticket: Ticket; isSpent: boolean } | Refused> {
    const row = await ledger.ticket(header.ticket);
    const ticket =
      row === undefined
        ? null
        : parseJson("ticket", ticketSchema, new TextEncoder().encode(row.ticket));
    const verdict = validateTicket(header, ticket, clock());
    if (!verdict.ok) return verdict;
    const usedBy = row?.used_by ?? id; // the same contribution at the same moment is no second one
    if (ticket === null || usedBy !== id) return conflict("ticket-used");
    return { ok: true, ticket, isSpent: row?.used === SPENT };
  }
  return { announce, take };
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

/** Whether `bytes` are the ones that `id` names. */
export async function hasHash(id: string, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  return (await sha256(bytes)) === id;
}
