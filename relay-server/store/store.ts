import type { Kysely } from "kysely";
import type { OtherRelays } from "./postgres/other-relays.ts";
import { actParts } from "./sql/acts.ts";
import { banParts } from "./sql/bans.ts";
import { contributionParts } from "./sql/contributions.ts";
import { earlierWorkParts } from "./sql/earlier-work.ts";
import { epochParts } from "./sql/epochs.ts";
import { erasureParts } from "./sql/erasure.ts";
import { eventParts } from "./sql/events.ts";
import { flowParts } from "./sql/flow.ts";
import { gateTestParts } from "./sql/gate-tests.ts";
import { createGroupCommit, type Write } from "./sql/group-commit.ts";
import { judgeParts } from "./sql/judges.ts";
import { judgingParts } from "./sql/judging.ts";
import { jurorParts } from "./sql/jurors.ts";
import { leaseParts } from "./sql/leases.ts";
import { maintainerParts } from "./sql/maintainers.ts";
import { modelParts } from "./sql/models.ts";
import { nameParts } from "./sql/names.ts";
import { nowParts } from "./sql/now.ts";
import { promotionParts } from "./sql/promotions.ts";
import { proposalParts } from "./sql/proposals.ts";
import { publishParts } from "./sql/publication.ts";
import { refusedWorkParts } from "./sql/refused-work.ts";
import { releaseParts } from "./sql/releases.ts";
import { revertParts } from "./sql/reverts.ts";
import { settingParts } from "./sql/settings.ts";
import { shownPacketParts } from "./sql/shown-packets.ts";
import { spotCheckParts } from "./sql/spot-checks.ts";
import { standingParts } from "./sql/standing.ts";
import { statusParts } from "./sql/status.ts";
import { suiteParts } from "./sql/suites.ts";
import { ticketParts } from "./sql/tickets.ts";
import { ticketsOutParts } from "./sql/tickets-out.ts";
import { verdictParts } from "./sql/verdicts.ts";
import { versionParts } from "./sql/versions.ts";
import type { Tables } from "./tables.ts";

/** What was handed out, and what of it may still come back. */
export type TicketStore = ReturnType<typeof ticketStore>;
/** Work from its arrival until it is decided, who judges it as a juror, and its bytes until they are public. */
export type ContributionStore = ReturnType<typeof contributionStore>;
/** Models and their versions: what is published, released, reverted, by which relay, and what the gate found. */
export type HistoryStore = ReturnType<typeof historyStore>;
/** Maintainers, judges, names, bans, and the log of who did what. */
export type PeopleStore = ReturnType<typeof peopleStore>;
/** Counts and events for whoever looks on, and the relay's own settings. */
export type StatusStore = ReturnType<typeof statusStore>;

/**
 * Everything the relay remembers: five stores over one database, behind asynchronous interfaces that SQLite and PostgreSQL
 * carry. What changes rows of several stores at once (`enter`, `publish`, `publishRevert`, `ban`) is one operation of one
 * store. A promise of a write resolves when it is durable. Values are clonable, so that the stores can live in a thread.
 */
export type Ledger = {
  readonly tickets: TicketStore;
  readonly contributions: ContributionStore;
  readonly history: HistoryStore;
  readonly people: PeopleStore;
  readonly status: StatusStore;
};

/** A ledger, and how to let go of its database. */
export type OpenLedger = { readonly ledger: Ledger; close(): Promise<void> };

/** The same with the database under it. */
export type OpenDatabase = OpenLedger & { readonly db: Kysely<Tables> };

/** A relay's ledger, and the other relays on the same one; null where there can be none. */
export type RelayLedger = OpenLedger & { readonly others: OtherRelays | null };

/** The ledger over `db`, whose schema `migrate` has brought up to date. */
export function createLedger(db: Kysely<Tables>): Ledger {
  const write = createGroupCommit(db);
  return {
    tickets: ticketStore(db, write),
    contributions: contributionStore(db, write),
    history: historyStore(db, write),
    people: peopleStore(db, write),
    status: statusStore(db, write),
  };
}

function ticketStore(db: Kysely<Tables>, write: Write) {
  return { ...ticketParts(db, write), ...ticketsOutParts(db) };
}

function contributionStore(db: Kysely<Tables>, write: Write) {
  return {
    ...contributionParts(db, write),
    ...judgingParts(db, write),
    ...earlierWorkParts(db),
    ...spotCheckParts(db, write),
    ...jurorParts(db, write),
    ...promotionParts(db, write),
    ...proposalParts(db, write),
    ...verdictParts(db, write),
  };
}

function historyStore(db: Kysely<Tables>, write: Write) {
  return {
    ...modelParts(db, write),
    ...versionParts(db),
    ...epochParts(db),
    ...gateTestParts(db, write),
    ...publishParts(write),
    ...revertParts(db, write),
    ...releaseParts(db, write),
    ...actParts(db, write),
    ...leaseParts(db, write),
    ...suiteParts(db, write),
    ...shownPacketParts(db, write),
  };
}

function peopleStore(db: Kysely<Tables>, write: Write) {
  return {
    ...maintainerParts(db, write),
    ...banParts(db, write),
    ...judgeParts(db, write),
    ...nameParts(db, write),
    ...erasureParts(write),
  };
}

function statusStore(db: Kysely<Tables>, write: Write) {
  return {
    ...statusParts(db),
    ...standingParts(db),
    ...refusedWorkParts(db),
    ...nowParts(db),
    ...flowParts(db),
    ...eventParts(db, write),
    ...settingParts(db, write),
  };
}
