import { modelOf } from "../../core/models/registry.ts";
import type { trainDelta } from "../../core/training/train.ts";
import { canarySizes, createCanary } from "../../kernels/canary.ts";

const STEPS_A_CANARY = 50; // some seconds on a quick GPU; a product is a small part of one step

/**
 * `train` on a device that may compute wrong answers and say nothing: a product of the model's own sizes is compared before
 * the first step, after every fiftieth and at the end. Rejects with an error named "DeviceWrongError" where one is wrong; there
 * is no result then.
 */
export function watchTraining(train: typeof trainDelta): typeof trainDelta {
  return async (task, options = {}) => {
    const canary = createCanary(canarySizes(modelOf(task.architecture).shapes), task.seed);
    await canary.check();
    const result = await train(task, {
      ...options,
      async onStep(report, take) {
        if (report.step % STEPS_A_CANARY === 0) await canary.check();
        await options.onStep?.(report, take);
      },
    });
    await canary.check();
    return result;
  };
}
