import type { MaskCache } from "./content/masks.ts";
import { isStorageFull } from "./content/storage-error.ts";
import type { RelayContext } from "./context.ts";
import type { Checkpoints } from "./history/checkpoints.ts";
import { createHeads } from "./history/head.ts";
import { revertNext } from "./history/reverting.ts";
import type { LikenessOf } from "./judging/likeness.ts";
import { judgeWaiting } from "./judging/screening.ts";
import { createSpotChecks } from "./judging/spot-checks.ts";
import type { Trainer } from "./judging/trainer.ts";
import { tellHealth } from "./merging/health.ts";
import { mergeCohort } from "./merging/merging.ts";
import { createSharedMasks } from "./merging/shared-masks.ts";
import type { EventHub } from "./store/event-hub.ts";
import type { Evaluator } from "./threads/evaluation-thread.ts";

/** Judges, merges, tests, publishes and reverts what waits in the ledger. It remembers nothing that the ledger does not. */
export type Pipeline = {
  /** Something may have changed. */
  wake(): void;
  /** Stop after the running step. */
  close(): Promise<void>;
};

export type PipelineParts = {
  readonly context: RelayContext;
  readonly checkpoints: Checkpoints;
  readonly evaluator: Evaluator;
  readonly trainer: Trainer;
  readonly likenessOf: LikenessOf;
  readonly hub: EventHub;
  readonly positionsOf: MaskCache;
  /** The fence that this relay holds, by model. */
  readonly fences: ReadonlyMap<string, number>;
};

/** What one step of a model came to: more at once, or when to look again. */
export type StepResult =
  | { readonly again: true }
  | { readonly again: false; readonly dueMs: number };

const LONGEST_WAIT_MS = 1000; // a clock that is passed in may run otherwise than the timers
const RETRY_MS = 5000; // after a failure such as a full disk

export function startPipeline(parts: PipelineParts): Pipeline {
  const { context, hub } = parts;
  const headOf = createHeads(context, parts.checkpoints, parts.evaluator);
  let awake = true;
  let closed = false;
  const closing = new AbortController();
  let interrupt = () => {};
  const wake = () => {
    awake = true;
    interrupt();
  };
  const spotChecks = createSpotChecks(parts, wake);
  const sharedMasks = createSharedMasks(parts);

  function sleep(ms: number): Promise<void> {
    if (awake || closed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = Number.isFinite(ms) ? setTimeout(resolve, ms) : undefined;
      interrupt = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async function stepModel(model: string): Promise<StepResult> {
    try {
      const head = await headOf(model);
      if (await revertNext(parts, head, closing.signal)) {
        hub.wake();
        return { again: true };
      }
      sharedMasks.follow(head);
      if (head.paused) return { again: false, dueMs: Number.POSITIVE_INFINITY };
      const merged = await mergeCohort(parts, head);
      const result = merged.again ? merged : await judgeWaiting(parts, head, merged);
      await setProblem(model, null);
      if (result.again) {
        await tellHealth(context, model);
        hub.wake();
      }
      return result;
    } catch (error) {
      if (closed) return { again: false, dueMs: Number.POSITIVE_INFINITY };
      if (!isStorageFull(error)) console.error(error);
      await setProblem(
        model,
        isStorageFull(error) ? "the relay's disk is full" : "an internal error",
      );
      return { again: false, dueMs: RETRY_MS };
    }
  }

  /** Between the models' steps, so that nothing is refused while it is merged. */
  async function stepSpotChecks(): Promise<number> {
    try {
      if (await spotChecks.step()) hub.wake();
      return Number.POSITIVE_INFINITY;
    } catch (error) {
      if (!isStorageFull(error) && !closed) console.error(error);
      return RETRY_MS;
    }
  }

  async function setProblem(model: string, problem: string | null): Promise<void> {
    if ((context.problems.get(model) ?? null) === problem) return;
    if (problem === null) context.problems.delete(model);
    else context.problems.set(model, problem);
    await tellHealth(context, model).catch((error: unknown) => {
      // the event is lost; GET /health tells the problem all the same
      if (!isStorageFull(error) && !closed) console.error(error);
    });
    hub.wake();
  }

  async function run(): Promise<void> {
    while (!closed) {
      awake = false;
      let dueMs = await stepSpotChecks();
      for (const model of context.models.keys()) {
        if (closed) return;
        const result = await stepModel(model);
        if (result.again) awake = true;
        else dueMs = Math.min(dueMs, result.dueMs);
      }
      await sleep(Number.isFinite(dueMs) ? Math.min(dueMs, LONGEST_WAIT_MS) : dueMs);
    }
  }

  const running = run();
  return {
    wake,
    async close() {
      closed = true;
      spotChecks.close();
      sharedMasks.close();
      closing.abort();
      interrupt();
      await running;
    },
  };
}
