import {
  type Contribution,
  contributionState,
} from "../../../core/protocol/schemas/contribution.ts";
import type { ContributionRow } from "../tables.ts";

/** The stations of a contribution's life before it is decided, in their order; it may pass `scored` by. */
export type WaitingState = "received" | "screened" | "scored" | "queued";

export const WAITING: readonly WaitingState[] = ["received", "screened", "scored", "queued"];

/** What everyone may read of a contribution. */
export function lifeOf(row: ContributionRow): Contribution {
  return {
    id: row.id,
    model: row.model,
    contributor: row.contributor,
    base: row.base,
    state: contributionState.parse(row.state),
    reason:
      row.reason_code === null
        ? null
        : { code: row.reason_code, message: row.reason_message ?? "" },
    examples: row.examples,
    sizeBytes: row.size_bytes,
    receivedAt: row.received_at,
    updatedAt: row.updated_at,
    version: row.version,
    multiplier: row.multiplier,
    credit: row.credit,
  };
}
