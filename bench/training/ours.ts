import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { type Tensor, backend as tfjsBackend, zeros } from "@tensorflow/tfjs-core";
import { layoutOf, modelOf } from "../../core/models/registry.ts";
import { openTraining, takeStep } from "../../core/training/training-session.ts";
import { openBackend } from "../../kernels/backend.ts";
import { type Clock, type Contestant, contestantOf, type Entry } from "./contestant.ts";
import { maskOf } from "./mask.ts";
import { indicesOf, parametersOf, SHAPES } from "./shapes.ts";

const LEARNING_RATE = 0.001;

/** Our own step, on the mask that the contestant's name says. */
export async function openOurs(
  { contestant: mask, shape: name, backend }: Entry,
  clock: Clock,
): Promise<Contestant> {
  const prefer = backend === "webgpu" ? "webgpu" : "cpu";
  const opened = await openBackend({ prefer });
  if (opened.name !== backend) throw new Error(`no ${backend} here, but ${opened.name}`);
  const shape = SHAPES[name];
  const model = modelOf(shape.architecture);
  const positions = maskOf(layoutOf(shape.architecture), mask);
  const session = openTraining(model, parametersOf(shape), positions, null);
  const examples = shape.examples();
  let log: Tensor | null = null;
  const contestant = contestantOf(
    clock,
    (step) => {
      log ??= zeros([1]); // read once and then made anew: tfjs keeps a tensor's first reading
      const batch = model.batch(examples, indicesOf(shape, step));
      takeStep(session, batch, { step: step + 1, learningRate: LEARNING_RATE, log, index: 0 });
    },
    async () => {
      const [loss = Number.NaN] = (await log?.data()) ?? [];
      log?.dispose();
      log = null;
      return loss;
    },
  );
  return backend === "webgpu" ? { ...contestant, unsplit: await unsplitter() } : contestant;
}

async function unsplitter(): Promise<() => () => void> {
  const { limitDispatches, mostMultiplyAdds } = await import(
    "../../kernels/webgpu/dispatch-limit.ts"
  );
  const open = tfjsBackend() as WebGPUBackend; // the one that was just opened
  return () => {
    const most = mostMultiplyAdds(open);
    limitDispatches(open, Number.POSITIVE_INFINITY);
    return () => limitDispatches(open, most);
  };
}
