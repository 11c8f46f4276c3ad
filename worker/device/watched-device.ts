import { modelOf } from "../../core/models/registry.ts";
import type { Architecture } from "../../core/protocol/schemas/recipe.ts";
import type { trainDelta } from "../../core/training/train.ts";
import { type Canary, canarySizes, createCanary } from "../../kernels/canary.ts";

/**
 * Work on a device that may compute wrong answers and say nothing: a product of the model's own sizes is compared before and
 * after. The work rejects with an error named "DeviceWrongError" where one is wrong; there is no result then.
 */

const STEPS_A_CANARY = 50; // some seconds on a quick GPU; a product is a small part of one step

/** `work`, watched. */
export function watchWork<
  Task extends { readonly architecture: Architecture },
  Rest extends unknown[],
  Result,
>(
  work: (task: Task, ...rest: Rest) => Promise<Result>,
): (task: Task, ...rest: Rest) => Promise<Result> {
  return (task, ...rest) => between(canaryOf(task, 0), () => work(task, ...rest));
}

/** `train`, watched after every fiftieth step as well, and before a snapshot is handed out: it may be gone on with elsewhere. */
export function watchTraining(train: typeof trainDelta): typeof trainDelta {
  return (task, options = {}) => {
    const { onStep, onSnapshot } = options;
    const canary = canaryOf(task, task.seed);
    const watched: typeof options = {
      ...options,
      async onStep(report, take) {
        if (report.step % STEPS_A_CANARY === 0) await canary.check();
        await onStep?.(
          report,
          take &&
            (async () => {
              const snapshot = await take();
              await canary.check();
              return snapshot;
            }),
        );
      },
    };
    if (onSnapshot === undefined) return between(canary, () => train(task, watched));
    const checkSnapshot: typeof onSnapshot = async (snapshot) => {
      await canary.check();
      await onSnapshot(snapshot);
    };
    return between(canary, () => train(task, { ...watched, onSnapshot: checkSnapshot }));
  };
}

const canaryOf = ({ architecture }: { readonly architecture: Architecture }, seed: number) =>
  createCanary(canarySizes(modelOf(architecture).shapes), seed);

async function between<Result>(canary: Canary, work: () => Promise<Result>): Promise<Result> {
  await canary.check();
  const result = await work();
  await canary.check();
  return result;
}
