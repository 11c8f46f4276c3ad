import type { Kysely, Transaction } from "kysely";
import { parseJson, parseValue } from "../../../core/protocol/canonical-json.ts";
import { type ProposalLife, proposalLife } from "../../../core/protocol/schemas/proposal.ts";
import { forkName } from "../../../core/protocol/schemas/version.ts";
import type { ContributionRow, ProposalRow, Tables, TicketRow } from "../tables.ts";
import { addEvents } from "./events.ts";
import type { Write } from "./group-commit.ts";
import { lifeOf } from "./lives.ts";
import { addAudit } from "./maintainers.ts";
import { type PresentModel, presentFor } from "./present.ts";

/** Proposals that wait at once: their patches lie in the ledger. */
const MOST_WAITING = { model: 64, contributor: 16 };
/** Decided proposals are kept so that who proposed one reads what became of it. */
const DECIDED = { listed: 64, keptMs: 7 * 24 * 3600_000 };

/** A proposal without its patch and the fork's record. */
export type ProposalEntry = Omit<ProposalRow, "bytes" | "record">;

export type ProposingOutcome =
  | { readonly kind: "created" | "known"; readonly row: ProposalEntry }
  | { readonly kind: "refused"; readonly code: ProposingRefusal };
type ProposingRefusal = "already-contributed" | "copied" | "proposals-full";

/** What became of an acceptance; nothing is changed but where it is done. */
export type AcceptanceOutcome =
  | "done"
  | "proposal-decided"
  | "banned"
  | "already-contributed"
  | "copied"
  /** The model moved on. */
  | { readonly present: PresentModel };

/** A proposal's contribution as it enters, with a ticket of its own, and who lets it. */
export type Acceptance = {
  readonly contribution: ContributionRow;
  readonly ticket: TicketRow;
  readonly stalenessLimit: number;
  readonly maintainer: string;
  readonly reason: string;
};

export function proposalParts(db: Kysely<Tables>, write: Write) {
  return {
    /** Keep a proposal until a maintainer decides; the same one again is known. */
    propose(row: ProposalRow): Promise<ProposingOutcome> {
      return write(async (trx) => {
        await trx
          .deleteFrom("proposals")
          .where((eb) => eb.or([eb("model", "=", row.model), eb("id", "=", row.id)]))
          .where("state", "<>", "waiting")
          .where("decided_at", "<", row.proposed_at - DECIDED.keptMs)
          .execute();
        const known = await entryOf(trx, row.id);
        if (known !== undefined && known.model === row.model) return { kind: "known", row: known };
        const code = (await knownAs(trx, row)) ?? (known && "already-contributed");
        if (code !== undefined) return { kind: "refused", code };
        const waiting = await trx
          .selectFrom("proposals")
          .select("contributor")
          .where("model", "=", row.model)
          .where("state", "=", "waiting")
          .execute();
        const own = waiting.filter(({ contributor }) => contributor === row.contributor);
        if (waiting.length >= MOST_WAITING.model || own.length >= MOST_WAITING.contributor) {
          return { kind: "refused", code: "proposals-full" };
        }
        await trx.insertInto("proposals").values(row).execute();
        const { bytes: _, record: __, ...entry } = row;
        return { kind: "created", row: entry };
      });
    },
    /** A proposal to a model, as it is to be seen `at` that time: one that was decided a week before is forgotten. */
    async proposal(model: string, id: string, at: number): Promise<ProposalEntry | undefined> {
      const entry = await entryOf(db, id);
      if (entry?.model !== model) return undefined;
      const { decided_at: decided } = entry;
      return decided === null || Number(decided) >= at - DECIDED.keptMs ? entry : undefined;
    },
    /** A model's proposals `at` that time, the newest first; of those that are decided, the newest ones. */
    async proposals(model: string, at: number): Promise<ProposalEntry[]> {
      const newest = () =>
        entries(db).where("model", "=", model).orderBy("proposed_at", "desc").orderBy("id");
      const waiting = await newest().where("state", "=", "waiting").execute();
      const decided = await newest()
        .where("state", "<>", "waiting")
        .where("decided_at", ">=", at - DECIDED.keptMs)
        .limit(DECIDED.listed)
        .execute();
      return [...waiting, ...decided];
    },
    /** A proposal that waits, with the fork's record and without the patch. */
    waitingProposal(id: string): Promise<Omit<ProposalRow, "bytes"> | undefined> {
      return entries(db)
        .select("record")
        .where("id", "=", id)
        .where("state", "=", "waiting")
        .executeTakeFirst();
    },
    /** Refuse a proposal that waits; false if it is decided. */
    refuseProposal(
      id: string,
      { message, maintainer, at }: { message: string; maintainer: string; at: number },
    ): Promise<boolean> {
      return write(async (trx) => {
        if (!(await decide(trx, id, { state: "refused", message, decided_at: at }))) return false;
        const action = "refuse-proposal";
        await addAudit(trx, { at, maintainer, action, subject: id, note: message });
        return true;
      });
    },
    /** A proposal becomes a contribution that waits to be judged, in one commit. */
    acceptProposal(acceptance: Acceptance): Promise<AcceptanceOutcome> {
      const { contribution, ticket, stalenessLimit, maintainer, reason } = acceptance;
      return write(async (trx): Promise<AcceptanceOutcome> => {
        const { id, received_at: at } = contribution;
        const waiting = await trx
          .selectFrom("proposals")
          .select("bytes")
          .where("id", "=", id)
          .where("state", "=", "waiting")
          .executeTakeFirst();
        if (waiting?.bytes == null) return "proposal-decided";
        const { isBanned, hasMaskOfHead, ...present } = await presentFor(trx, contribution);
        if (isBanned) return "banned";
        const isStale = present.head - contribution.base > stalenessLimit;
        if (isStale || present.retired !== null) return { present };
        const code = await knownAs(trx, contribution);
        if (code !== undefined) return code;
        await trx.insertInto("tickets").values(ticket).execute();
        const row = { ...contribution, on_mask: hasMaskOfHead ? 1 : 0 };
        await trx.insertInto("contributions").values(row).execute();
        const { bytes } = waiting;
        await trx.insertInto("waiting_bytes").values({ contribution: id, bytes }).execute();
        await decide(trx, id, { state: "accepted", message: null, decided_at: at });
        const action = "accept-proposal";
        await addAudit(trx, { at, maintainer, action, subject: id, note: reason });
        addEvents(trx, [{ type: "contribution", data: { contribution: lifeOf(row) } }]);
        return "done";
      });
    },
  };
}

/** Whether the relay has a contribution of that id, or of the same values; undefined where it has neither. */
async function knownAs(
  trx: Transaction<Tables>,
  { id, values_hash }: Pick<ContributionRow, "id" | "values_hash">,
): Promise<"already-contributed" | "copied" | undefined> {
  const all = trx.selectFrom("contributions").select("id");
  if ((await all.where("id", "=", id).executeTakeFirst()) !== undefined)
    return "already-contributed";
  const same = await all.where("values_hash", "=", values_hash).executeTakeFirst();
  return same && "copied";
}

function entries(db: Kysely<Tables> | Transaction<Tables>) {
  return db
    .selectFrom("proposals")
    .select([
      ...(["id", "model", "contributor", "signature", "fork", "base", "examples"] as const),
      ...(["size_bytes", "values_hash", "norm", "state", "message"] as const),
      ...(["proposed_at", "decided_at"] as const),
    ]);
}

function entryOf(
  db: Kysely<Tables> | Transaction<Tables>,
  id: string,
): Promise<ProposalEntry | undefined> {
  return entries(db).where("id", "=", id).executeTakeFirst();
}

/** End a proposal's waiting: its patch goes. False if it does not wait. */
async function decide(
  trx: Transaction<Tables>,
  id: string,
  change: Pick<ProposalRow, "state" | "message" | "decided_at">,
): Promise<boolean> {
  const row = await trx
    .updateTable("proposals")
    .set({ ...change, bytes: null })
    .where("id", "=", id)
    .where("state", "=", "waiting")
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}

/** Refuse what waits of a contributor's proposals. */
export async function refuseProposalsOf(
  trx: Transaction<Tables>,
  contributor: string,
  { message, at }: { readonly message: string; readonly at: number },
): Promise<void> {
  await trx
    .updateTable("proposals")
    .set({ state: "refused", message, decided_at: at, bytes: null })
    .where("contributor", "=", contributor)
    .where("state", "=", "waiting")
    .execute();
}

/** A proposal as everybody reads of it. */
export function proposalLifeOf(row: ProposalEntry): ProposalLife {
  return {
    id: row.id,
    model: row.model,
    contributor: row.contributor,
    fork: parseJson("fork", forkName, new TextEncoder().encode(row.fork)),
    base: row.base,
    examples: row.examples,
    sizeBytes: row.size_bytes,
    state: parseValue("state", proposalLife.shape.state, row.state),
    message: row.message,
    proposedAt: Number(row.proposed_at),
    decidedAt: row.decided_at === null ? null : Number(row.decided_at),
  };
}
