import { assert } from "../../core/errors.ts";
import { maskCount } from "../../core/history/mask-epoch.ts";
import { createRandom } from "../../core/random.ts";
import { keepThread } from "../threads/lasting-thread.ts";
import type { TrainingThread } from "../threads/training-thread.ts";
import { drawFisherExamples } from "./fisher-examples.ts";
import { createReferences } from "./references.ts";
import { createSecondTraining } from "./second-training.ts";
import { drawSound } from "./sound-pieces.ts";
import type { Trainer, TrainerParts } from "./trainer.ts";

const IDLE_MS = 10 * 60_000; // then a thread's memory is worth more than its start

/**
 * The trainer. What the relay trains itself runs, for each model, in a thread of its own that its first training starts, so that
 * a slow model keeps no other waiting; one that dies is replaced. What runs when it is closed is rejected at once.
 */
export function openTrainer(parts: TrainerParts): {
  readonly trainer: Trainer;
  close(): Promise<void>;
} {
  const { models, heldOut } = parts.context;
  const threads = new Map<string, ReturnType<typeof keepThread<TrainingThread>>>();
  let isClosed = false;

  function threadOf(model: string): TrainingThread {
    if (isClosed) throw new Error("the trainer is closed");
    const kept =
      threads.get(model) ??
      keepThread<TrainingThread>(
        new URL("../threads/training-thread.ts", import.meta.url),
        async () => {},
        IDLE_MS,
      );
    threads.set(model, kept);
    return kept.thread;
  }

  const trainer: Trainer = {
    ...createReferences(parts, threadOf),
    ...createSecondTraining(parts, threadOf),
    async chooseMask({ model, id, parameters }) {
      const served = models.get(model);
      assert(served !== undefined, `no model ${model}`);
      const { recipe, layout } = served;
      const policy = recipe.mask.fisher;
      assert(policy !== undefined, `${model} has no mask.fisher`);
      const seed = `shared mask ${id}`;
      const drawn = await drawSound(parts.context, model, (shards) =>
        drawFisherExamples(shards, policy.examples, createRandom(`examples of ${seed}`)).map(
          (run) => ({ ...run, shards: [run.shard] }),
        ),
      );
      const hasSuite = recipe.data.heldOut.protected !== undefined;
      return threadOf(model).chooseMask({
        architecture: recipe.architecture,
        parameters,
        policy,
        count: maskCount(recipe.mask, layout.size),
        seed,
        runs: drawn.map(({ one: { from, to }, files }) => ({ file: files[0]!, from, to })),
        protectedSuite: hasSuite ? await heldOut.read(model, "protected") : null,
      });
    },
  };
  return {
    trainer,
    async close() {
      isClosed = true;
      await Promise.all([...threads.values()].map(({ close }) => close()));
    },
  };
}
