import type { Ticket } from "../../core/protocol/schemas/ticket.ts";
import type { VersionRow } from "../ledger/tables.ts";

/** Training on the relay itself, in a thread of its own beside the one that evaluates. */
export type Trainer = {
  /**
   * The reference [k] for work on `version`: the mean delta of the recipe's `references` pieces on its checkpoint and
   * mask. Null where the recipe has none or everybody's mask is their own. Kept for the versions asked for last.
   */
  reference(version: VersionRow): Promise<Float32Array | null>;
  /** The delta [k] that the ticket asks for at `positions` [k], trained a second time for a spot check. */
  retrain(ticket: Ticket, positions: Uint32Array): Promise<Float32Array>;
};
