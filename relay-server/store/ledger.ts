import type { Kysely } from "kysely";
import { banParts } from "./bans.ts";
import { contributionParts } from "./contributions.ts";
import { earlierWorkParts } from "./earlier-work.ts";
import { epochParts } from "./epochs.ts";
import { erasureParts } from "./erasure.ts";
import { eventParts } from "./events.ts";
import { gateTestParts } from "./gate-tests.ts";
import { createGroupCommit } from "./group-commit.ts";
import { judgingParts } from "./judging.ts";
import { maintainerParts } from "./maintainers.ts";
import { modelParts } from "./models.ts";
import { promotionParts } from "./promotions.ts";
import { publishParts } from "./publication.ts";
import { refusedWorkParts } from "./refused-work.ts";
import { releaseParts } from "./releases.ts";
import { revertParts } from "./reverts.ts";
import { spotCheckParts } from "./spot-checks.ts";
import { statusParts } from "./status.ts";
import type { Tables } from "./tables.ts";
import { ticketParts } from "./tickets.ts";
import { versionParts } from "./versions.ts";

/**
 * Everything the relay remembers, behind an asynchronous interface that any SQL database can carry. A promise of a
 * write resolves when it is durable. Values are clonable, so that the ledger can live in a thread of its own.
 */
export type Ledger = ReturnType<typeof createLedger>;

/** The ledger over `db`, whose schema `migrate` has brought up to date. */
export function createLedger(db: Kysely<Tables>) {
  const write = createGroupCommit(db);
  return {
    ...modelParts(db, write),
    ...versionParts(db),
    ...ticketParts(db, write),
    ...contributionParts(db, write),
    ...judgingParts(db, write),
    ...earlierWorkParts(db),
    ...epochParts(db),
    ...gateTestParts(db, write),
    ...publishParts(write),
    ...promotionParts(db, write),
    ...revertParts(db, write),
    ...refusedWorkParts(db),
    ...releaseParts(db, write),
    ...spotCheckParts(db, write),
    ...statusParts(db),
    ...eventParts(db, write),
    ...maintainerParts(db, write),
    ...banParts(db, write),
    ...erasureParts(write),
  };
}
