import type { ReferenceAt } from "../../core/gate/reference.ts";
import type { Ticket } from "../../core/protocol/schemas/ticket.ts";
import type { MaskCache } from "../content/masks.ts";
import type { RelayContext } from "../context.ts";
import type { Checkpoints } from "../history/checkpoints.ts";
import type { VersionRow } from "../store/tables.ts";
import type { TrainingThread } from "../threads/training-thread.ts";
import type { SharedWork } from "./shared-work.ts";

export type TrainerParts = {
  readonly context: Pick<
    RelayContext,
    "history" | "heldOut" | "models" | "damage" | "referenceSeeds"
  >;
  readonly checkpoints: Checkpoints;
  readonly positionsOf: MaskCache;
  readonly share: SharedWork;
};

/** The thread of a model, for what the relay trains itself. Throws once the trainer is closed. */
export type TrainingThreads = (model: string) => TrainingThread;

/** Training that judging needs: on the relay in a thread of its own, or by a judge on another machine. */
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
  /** The own mask [k] that the ticket, its base and its examples lead to (protocol M8), and the judge that chose it; certain where the relay does itself. */
  ownMask(
    ticket: Ticket,
    isCertain: boolean,
  ): Promise<{ readonly positions: Uint32Array; readonly judge: string | null }>;
  /** The delta [k] that the ticket asks for at `positions` [k], trained a second time for a spot check; certain as above. */
  retrain(
    ticket: Ticket,
    positions: Uint32Array,
    isCertain: boolean,
  ): Promise<{ readonly delta: Float32Array; readonly judge: string | null }>;
  /** What this judge trained is trained anew when it is asked for. */
  forget(judge: string): void;
};
