import { setTimeout as gather } from "node:timers/promises";
import { createHeads, type Head } from "./history/head.ts";
import { openPackets } from "./history/packets.ts";
import { promotePatches } from "./history/promotion.ts";
import { heldVerdicts } from "./judging/held-verdicts.ts";
import { judgeWaiting } from "./judging/screening.ts";
import { createSetbacks, type Setbacks } from "./judging/setbacks.ts";
import { createSharedMasks, type SharedMasks } from "./judging/shared-masks.ts";
import { createSpotChecks, type SpotChecks } from "./judging/spot-checks.ts";
import { checkSuiteNext } from "./judging/suite-check.ts";
import { packetCounts, tellHealth } from "./merging/health.ts";
import { mergeCohort } from "./merging/merging.ts";
import { previewNext } from "./merging/previewing.ts";
import { FencedError } from "./merging/publishing.ts";
import { outlookNext } from "./merging/revert-outlook.ts";
import { revertNext } from "./merging/reverting.ts";
import type { PipelineParts, StepResult } from "./parts.ts";
import { isStorageFull, outageWords } from "./storage-error.ts";

/**
 * Judges, merges, tests, publishes and reverts what waits in the ledger: one loop a model, and none waits for another. Where
 * another relay holds a model's lease, the model's loop here only looks what reverts would do that are asked about here.
 */
export type Pipeline = {
  /** Begin with a model that the relay serves from now on. */
  follow(model: string): void;
  /** Something of a model may have changed. */
  wake(model: string): void;
  /** Stop every loop after its running step. */
  close(): Promise<void>;
};

const LONGEST_WAIT_MS = 1000; // a clock that is passed in may run otherwise than the timers
const RETRY_MS = 5000; // after a failure such as a full disk
const GATHER_MS = 50; // work that comes in a burst wakes a loop once: a step asks the ledger a dozen questions

export function startPipeline(parts: PipelineParts): Pipeline {
  const loops = new Map<string, Loop>();
  const pipeline: Pipeline = {
    follow(model) {
      if (!loops.has(model)) loops.set(model, startLoop(parts, model));
    },
    wake(model) {
      loops.get(model)?.wake();
    },
    async close() {
      await Promise.all([...loops.values()].map((loop) => loop.close()));
    },
  };
  for (const model of parts.context.models.keys()) pipeline.follow(model);
  return pipeline;
}

type Loop = { wake(): void; close(): Promise<void> };

/** What a relay has found out since it holds a model: the ledger has none of it, and whoever holds the model next begins anew. */
type Term = {
  readonly fence: number;
  /** The relay's parts; the verdicts that they write are written under this fence. */
  readonly parts: PipelineParts;
  readonly setbacks: Setbacks;
  readonly spotChecks: SpotChecks;
  readonly sharedMasks: SharedMasks;
};

const NOTHING_DUE: StepResult = { again: false, dueMs: Number.POSITIVE_INFINITY };

function startLoop(parts: PipelineParts, model: string): Loop {
  const { context, hub, leases } = parts;
  const headOf = createHeads(context, parts.checkpoints, parts.evaluator);
  let openedAt = -1; // the head whose packets are known to be open
  let awake = true;
  let closed = false;
  let term: Term | null = null;
  const closing = new AbortController();
  let interrupt = () => {};
  const wake = () => {
    awake = true;
    interrupt();
  };

  function sleep(ms: number): Promise<void> {
    if (awake || closed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = Number.isFinite(ms)
        ? setTimeout(resolve, Math.min(ms, LONGEST_WAIT_MS))
        : undefined;
      interrupt = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  function termOf(fence: number): Term {
    if (term?.fence === fence) return term;
    endTerm();
    const setbacks = createSetbacks();
    const contributions = heldVerdicts(context.contributions, { model, fence });
    const held = { ...parts, context: { ...context, contributions } };
    term = {
      fence,
      parts: held,
      setbacks,
      spotChecks: createSpotChecks({ ...held, setbacks }, model, wake),
      sharedMasks: createSharedMasks(held),
    };
    return term;
  }

  function endTerm(): void {
    if (term === null) return;
    term.spotChecks.close();
    term.sharedMasks.close();
    context.nextMasks.delete(model);
    term = null;
  }

  async function step(held: Term): Promise<StepResult> {
    const { fence, spotChecks, sharedMasks } = held;
    const head = await headOf(model);
    if (head.fence !== fence) throw new FencedError(model);
    if (await spotChecks.step()) hub.wake(); // between the others, so that nothing is refused while it is merged
    await promotePatches(context, model); // a full disk may have come between
    if (head.number !== openedAt && head.packets !== null) {
      await openPackets(context, head.recipe, head.packets); // a kill may have come between
    }
    context.packets.set(model, packetCounts(head.packets));
    openedAt = head.number;
    if (await revertNext(parts, head, closing.signal)) {
      hub.wake();
      return { again: true };
    }
    if (await outlookNext(parts, head, closing.signal)) return { again: true };
    sharedMasks.follow(head);
    const result = await judgeOrMerge(head, held);
    if (!result.again && !(await lookNext(head))) return result;
    await tellHealth(context, model);
    hub.wake();
    return { again: true };
  }

  /** What can wait until nothing else does: strangers ask for it, and a look takes long. */
  async function lookNext(head: Head): Promise<boolean> {
    if (await previewNext(parts, head, closing.signal)) return true;
    return checkSuiteNext(parts, head, closing.signal);
  }

  async function judgeOrMerge(head: Head, held: Term): Promise<StepResult> {
    if (head.paused) return NOTHING_DUE;
    const loopParts = { ...held.parts, setbacks: held.setbacks };
    const merged = await mergeCohort(loopParts, head);
    return merged.again ? merged : judgeWaiting(loopParts, head, merged);
  }

  async function lead(held: Term): Promise<StepResult> {
    const result = await step(held);
    await setProblem(held.setbacks.problem());
    if (result.again) return result;
    const now = context.clock();
    return { again: false, dueMs: Math.min(result.dueMs, held.setbacks.dueAt(now) - now) };
  }

  /** While another relay holds the model: what is wrong with it is that relay's to say, and heard with its lease. */
  async function follow(): Promise<StepResult> {
    endTerm();
    if (parts.outlooks.next(model) === undefined) return NOTHING_DUE;
    await outlookNext(parts, await headOf(model), closing.signal);
    return { again: true };
  }

  async function tryStep(): Promise<StepResult> {
    try {
      const fence = leases.fenceOf(model);
      return fence === null ? await follow() : await lead(termOf(fence));
    } catch (error) {
      if (closed) return NOTHING_DUE;
      if (error instanceof FencedError) {
        await leases.renew(); // who holds it now is known after that, or at the next renewal
        return { again: false, dueMs: RETRY_MS };
      }
      logUnlessFull(error);
      if (leases.fenceOf(model) !== null)
        await setProblem(outageWords(error) ?? "an internal error");
      return { again: false, dueMs: RETRY_MS };
    }
  }

  async function setProblem(problem: string | null): Promise<void> {
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
      const result = await tryStep();
      if (result.again) continue;
      await sleep(result.dueMs);
      if (awake) await gather(GATHER_MS, undefined, { signal: closing.signal }).catch(ignoreAbort);
    }
  }

  const running = run();
  return {
    wake,
    async close() {
      closed = true;
      endTerm();
      closing.abort();
      interrupt();
      await running;
    },
  };
}

function logUnlessFull(error: unknown): void {
  if (!isStorageFull(error)) console.error(error);
}

/** Whoever closes the loop waits for nothing more to come. */
function ignoreAbort(): void {}
