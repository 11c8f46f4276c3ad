import type { ReferenceAt } from "../../core/gate/reference.ts";
import type { Ticket } from "../../core/protocol/schemas/ticket.ts";
import type { VersionRow } from "../store/tables.ts";

/** Training on the relay itself, in a thread of its own beside the one that evaluates. */
export type Trainer = {
  /**
   * The reference for work on `version`, of the recipe's `references` pieces on its checkpoint. Null where the recipe
   * has none. Kept for the versions asked for last.
   */
  reference(version: VersionRow): Promise<ReferenceAt | null>;
  /**
   * The positions [k] of a shared mask, drawn by the version's id from the Fisher information that public
   * examples and the protected suite have on `parameters` [N], its own (protocol M7).
   */
  chooseMask(version: {
    readonly model: string;
    readonly id: string;
    readonly parameters: Float32Array;
  }): Promise<Uint32Array>;
  /** The same, trained by the relay itself, whoever trained the one that is kept: nobody is refused by a judge's word alone. */
  ownReference(version: VersionRow): Promise<ReferenceAt | null>;
  /** The own mask [k] that the ticket, its base and its examples lead to (protocol M8); certain where the relay chooses it itself. */
  ownMask(ticket: Ticket, isCertain: boolean): Promise<Uint32Array>;
  /** The delta [k] that the ticket asks for at `positions` [k], trained a second time for a spot check; certain as above. */
  retrain(ticket: Ticket, positions: Uint32Array, isCertain: boolean): Promise<Float32Array>;
  /** Whether some of this may be a judge's work. */
  asksOthers(): boolean;
  /** What this judge trained is trained anew when it is asked for. */
  forget(judge: string): void;
};
