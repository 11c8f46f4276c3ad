import type { MaskCache } from "./content/masks.ts";
import type { RelayContext } from "./context.ts";
import type { Checkpoints } from "./history/checkpoints.ts";
import type { createJuries } from "./judging/juries.ts";
import type { LikenessOf } from "./judging/likeness.ts";
import type { Setbacks } from "./judging/setbacks.ts";
import type { EvaluationSharing } from "./judging/shared-evaluations.ts";
import type { Trainer } from "./judging/trainer.ts";
import type { Leases } from "./leases.ts";
import type { RevertOutlooks } from "./merging/revert-outlooks.ts";
import type { EventHub } from "./store/event-hub.ts";
import type { Evaluator } from "./threads/open-evaluator.ts";

/** What judging and merging work with. */
export type PipelineParts = {
  readonly context: Omit<RelayContext, "people">;
  readonly checkpoints: Checkpoints;
  readonly evaluator: Evaluator;
  readonly evaluations: EvaluationSharing;
  readonly juryFor: ReturnType<typeof createJuries>;
  readonly trainer: Trainer;
  readonly likenessOf: LikenessOf;
  readonly hub: EventHub;
  readonly positionsOf: MaskCache;
  readonly outlooks: RevertOutlooks;
  readonly leases: Leases;
};

/** What one loop has: the relay's parts, and what its own model's judging failed at. */
export type LoopParts = PipelineParts & { readonly setbacks: Setbacks };

/** What one step of a model came to: more at once, or when to look again. */
export type StepResult =
  | { readonly again: true }
  | { readonly again: false; readonly dueMs: number };
