import type { Kysely, Transaction } from "kysely";
import type { Strike } from "../../../core/history/replay-history.ts";
import type { RelayEvent } from "../../../core/protocol/schemas/status.ts";
import type { ContributionRow, RevertRow, Tables, VersionRow } from "../tables.ts";
import { recountCredit } from "./credits.ts";
import { addEvents } from "./events.ts";
import type { Write } from "./group-commit.ts";
import { lifeOf } from "./lives.ts";
import { addAudit } from "./maintainers.ts";
import { moveHead } from "./publication.ts";

export type WaitingRevert = {
  readonly model: string;
  readonly contribution: string;
  readonly reason: string;
  readonly maintainer: string;
  /** Whatever the gate says. */
  readonly insists: boolean;
  readonly at: number;
};

/** What became of a request: the rows decide, not a check before. */
export type RevertEntry =
  | { readonly kind: "waiting"; readonly row: RevertRow }
  | {
      readonly kind: "refused";
      readonly code: "contribution-unknown" | "not-merged" | "already-reverted";
    };

/** Why a contribution of `model` cannot be reverted; null if it can. */
export function revertRefusalOf(
  found: { readonly model: string; readonly state: string } | undefined,
  model: string,
): Extract<RevertEntry, { kind: "refused" }>["code"] | null {
  if (found?.model !== model) return "contribution-unknown";
  if (found.state === "reverted") return "already-reverted";
  return found.state === "merged" ? null : "not-merged";
}

export type RevertPublication = {
  readonly version: VersionRow;
  /** The fence that the publisher holds. */
  readonly fence: number;
  readonly revert: RevertRow;
  /** What the gate said against it; null if it passed. */
  readonly objection: string | null;
  readonly events: readonly RelayEvent[];
};

export type TrainedSince = { readonly contributions: number; readonly contributors: number };

export function revertParts(db: Kysely<Tables>, write: Write) {
  return {
    /**
     * Note that a maintainer wants a merged contribution out; asked again while it waits, nothing is added but that
     * somebody insists.
     */
    requestRevert(request: WaitingRevert): Promise<RevertEntry> {
      return write((trx) => enterRequest(trx, request));
    },
    /** A contribution's revert, waiting or decided. */
    revert(contribution: string): Promise<RevertRow | undefined> {
      return db
        .selectFrom("reverts")
        .selectAll()
        .where("contribution", "=", contribution)
        .executeTakeFirst();
    },
    /** The revert that has waited longest. */
    nextRevert(model: string): Promise<RevertRow | undefined> {
      return db
        .selectFrom("reverts")
        .selectAll()
        .where("model", "=", model)
        .where("state", "=", "waiting")
        .orderBy("requested_at")
        .orderBy("contribution")
        .executeTakeFirst();
    },
    /** Every contribution that the model's history has reverted, with the versions that merged and reverted it. */
    async strikes(model: string): Promise<(Strike & { contribution: string })[]> {
      const rows = await db
        .selectFrom("reverts")
        .innerJoin("contributions", "contributions.id", "reverts.contribution")
        .select(["reverts.contribution", "reverts.version", "contributions.version as merged"])
        .where("reverts.model", "=", model)
        .where("reverts.state", "=", "published")
        .execute();
      return rows.map(({ contribution, version, merged }) => {
        return { contribution, merged: merged ?? 0, reverted: version ?? 0 }; // the table's checks hold both
      });
    },
    /** How much of the model was trained on version `version` or a later one, and by how many. */
    async trainedSince(model: string, version: number): Promise<TrainedSince> {
      const row = await db
        .selectFrom("contributions")
        .select((eb) => [
          eb.fn.countAll<number>().as("contributions"),
          eb.fn.count<number>("contributor").distinct().as("contributors"),
        ])
        .where("model", "=", model)
        .where("state", "=", "merged")
        .where("base", ">=", version)
        .executeTakeFirstOrThrow();
      return {
        contributions: Number(row.contributions),
        contributors: Number(row.contributors),
      };
    },
    /** The revert is not published, and why; it still waits if somebody has insisted since it was read. */
    refuseRevert({ contribution, insists }: RevertRow, message: string, at: number): Promise<void> {
      return write(async (trx) => {
        const row = await trx
          .updateTable("reverts")
          .set({ state: "refused", message, decided_at: at })
          .where("contribution", "=", contribution)
          .where("state", "=", "waiting")
          .where("insists", "=", insists)
          .returningAll()
          .executeTakeFirst();
        if (row === undefined) return;
        const { maintainer } = row;
        const action = "revert-refused";
        await addAudit(trx, { at, maintainer, action, subject: contribution, note: message });
      });
    },
    /**
     * Publish a version without a contribution in one transaction: the head moves, the contribution's life is
     * reverted, its credit gone. False, and nothing is changed, if the head is not the parent any more or the
     * publisher was fenced out.
     */
    publishRevert({
      version,
      fence,
      revert,
      objection,
      events,
    }: RevertPublication): Promise<boolean> {
      return write(async (trx) => {
        if (!(await moveHead(trx, version, fence))) return false;
        const at = version.created_at;
        const row = await trx
          .updateTable("contributions")
          .set({
            state: "reverted",
            reason_code: "reverted",
            reason_message: revert.reason,
            credit: 0,
            updated_at: at,
          })
          .where("id", "=", revert.contribution)
          .where("state", "=", "merged")
          .returningAll()
          .executeTakeFirstOrThrow();
        await forgetTraining(trx, row);
        await recountCredit(trx, row.model, row.contributor);
        const { maintainer } = revert;
        const without = `version ${version.number} is without it`;
        const note = objection === null ? without : `${without}, although ${objection}`;
        const entry = { at, maintainer, action: "revert-published", subject: row.id, note };
        const act = await addAudit(trx, entry);
        const { number } = version;
        await trx
          .updateTable("reverts")
          .set({ state: "published", message: objection, decided_at: at, version: number, act })
          .where("contribution", "=", row.id)
          .execute();
        addEvents(trx, [{ type: "contribution", data: { contribution: lifeOf(row) } }, ...events]);
        return true;
      });
    },
  };
}

async function enterRequest(
  trx: Transaction<Tables>,
  { model, contribution, reason, maintainer, insists, at }: WaitingRevert,
): Promise<RevertEntry> {
  const found = await trx
    .selectFrom("contributions")
    .select(["model", "state"])
    .where("id", "=", contribution)
    .executeTakeFirst();
  const code = revertRefusalOf(found, model);
  if (code !== null) return { kind: "refused", code };
  const known = await trx
    .selectFrom("reverts")
    .selectAll()
    .where("contribution", "=", contribution)
    .executeTakeFirst();
  if (known?.state === "waiting" && (known.insists === 1 || !insists)) {
    return { kind: "waiting", row: known };
  }
  const row: RevertRow = {
    contribution,
    model,
    reason,
    maintainer,
    state: "waiting",
    insists: insists ? 1 : 0,
    message: null,
    requested_at: at,
    decided_at: null,
    version: null,
    act: 0,
  };
  await trx
    .insertInto("reverts")
    .values(row)
    .onConflict((conflict) => conflict.column("contribution").doUpdateSet(row)) // refused before, or now insisted on
    .execute();
  const action = insists ? "revert-insist" : "revert";
  await addAudit(trx, { at, maintainer, action, subject: contribution, note: reason });
  return { kind: "waiting", row };
}

/**
 * Take a reverted contribution out of the shard ledger: what it trained on, and by whom that was. Its shards count as handed out as
 * often as those that were handed out least, so that they are trained again soon (protocol V15).
 */
async function forgetTraining(trx: Transaction<Tables>, row: ContributionRow): Promise<void> {
  const shards: number[] = JSON.parse(row.shards);
  if (shards.length === 0) return;
  await trx
    .updateTable("shards")
    .set((eb) => ({
      trained: eb("trained", "-", 1),
      assigned: eb
        .selectFrom("shards as alike")
        .select((each) => each.fn.min("alike.assigned").as("least"))
        .whereRef("alike.model", "=", "shards.model")
        .whereRef("alike.replay", "=", "shards.replay"), // those of the base's domain are drawn apart
    }))
    .where("model", "=", row.model)
    .where("position", "in", shards)
    .execute();
  const others = await trx
    .selectFrom("contributions")
    .select("shards")
    .where("contributor", "=", row.contributor)
    .where("model", "=", row.model)
    .where("state", "=", "merged")
    .execute();
  const trained = new Set(others.flatMap((other): number[] => JSON.parse(other.shards)));
  const forgotten = shards.filter((shard) => !trained.has(shard));
  if (forgotten.length === 0) return;
  await trx
    .deleteFrom("shard_trainers")
    .where("model", "=", row.model)
    .where("contributor", "=", row.contributor)
    .where("position", "in", forgotten)
    .execute();
}
