import { memory } from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { openBackend } from "../../kernels/backend.ts";
import { openCpu } from "../../kernels/cpu/backend.ts";
import { cosine, type ImageTask, smallTask } from "../../tests/fixtures/training-task.ts";
import { expectClose } from "../../tests/reference/finite-differences.ts";
import { gptTask } from "../../tests/reference/gpt-task.ts";
import { startAdamW, stepAdamW } from "../models/reference/adamw.ts";
import { mlpGradient } from "../models/reference/mlp.ts";
import { joinFlat, splitFlat } from "../models/reference/tensors.ts";
import { layoutOf } from "../models/registry.ts";
import { seededBatches } from "./batches.ts";
import { type TrainingSnapshot, type TrainingTask, trainDelta } from "./train.ts";

const BACKENDS = [
  { name: "wasm", open: () => openBackend({ prefer: "cpu" }) },
  { name: "cpu", open: openCpu },
];

describe.each(BACKENDS)("on $name", ({ open }) => {
  beforeAll(async () => {
    await open();
  });

  test("masked training equals dense training in f64 whose gradient is cut to the mask", async () => {
    const task = smallTask();
    const { delta, lossBefore, lossAfter } = await trainDelta(task);
    const expected = trainReference(task);
    expect(cosine(delta, Float32Array.from(expected.delta))).toBeGreaterThan(0.99999);
    expectClose("delta", delta, expected.delta, 1e-3);
    const tenth = expected.losses.length / 10;
    expect(lossBefore).toBeCloseTo(mean(expected.losses.slice(0, tenth)), 4);
    expect(lossAfter).toBeCloseTo(mean(expected.losses.slice(-tenth)), 4);
  });

  test("with every parameter in the mask it is dense AdamW", async () => {
    const task = smallTask({ density: 1, steps: 10 });
    const { delta } = await trainDelta(task);
    expect(delta.length).toBe(layoutOf(task.architecture).size);
    expectClose("delta", delta, trainReference(task).delta, 1e-3);
  });

  test("a mask in the last layer alone trains the last layer alone", async () => {
    const task = smallTask();
    const { offset } = layoutOf(task.architecture).tensors.find(
      ({ name }) => name === "layers.2.bias",
    )!;
    const masked = { ...task, positions: Uint32Array.of(offset, offset + 3, offset + 9) };
    expectClose("delta", (await trainDelta(masked)).delta, trainReference(masked).delta, 1e-4);
  });

  test("the same task gives the same bytes, another seed gives others", async () => {
    const task = smallTask();
    const first = await trainDelta(task);
    expect(await trainDelta(task)).toEqual(first);
    expect((await trainDelta({ ...task, seed: 6 })).delta).not.toEqual(first.delta);
  });

  test("the number of tensors stays level over 1,000 steps, and none is left behind", async () => {
    const before = memory().numTensors;
    const counts = new Set<number>();
    await trainDelta(smallTask({ steps: 1000 }), {
      onStep: ({ step }) => {
        if (step % 10 !== 0) counts.add(memory().numTensors);
      },
    });
    expect(counts.size).toBe(1);
    expect(memory().numTensors).toBe(before);
  });

  test("steps are told in order, and a loss with every tenth, however often they are read", async () => {
    let clock = 0;
    const slow = () => (clock += 1_000);
    for (const speed of [{}, { now: slow }]) {
      const told: string[] = [];
      await trainDelta(smallTask({ steps: 12 }), {
        ...speed,
        onStep: ({ step, lossNats }) => {
          told.push(lossNats === null ? `${step}` : `${step} with a loss`);
        },
      });
      expect(told.join(", ")).toBe("1, 2, 3, 4, 5, 6, 7, 8, 9, 10 with a loss, 11, 12 with a loss");
    }
  });

  test.each<[string, TrainingTask]>([
    ["an MLP", smallTask({ steps: 12 })],
    ["a GPT", gptTask()],
  ])(
    "%s's training that goes on from any snapshot of an interrupted one gives the bytes of one that was not",
    async (_, task) => {
      const whole = await trainDelta(task);
      const snapshots: TrainingSnapshot[] = [];
      let clock = 0;
      const now = () => (clock += 2_000); // so slow that every step is read, and every second kept
      const onSnapshot = (snapshot: TrainingSnapshot) => void snapshots.push(snapshot);
      const take = async (_: unknown, take: (() => Promise<TrainingSnapshot>) | null) =>
        void (take !== null && snapshots.push(await take()));
      expect(await trainDelta(task, { now, onSnapshot })).toEqual(whole);
      expect(await trainDelta(task, { onStep: take })).toEqual(whole); // after ten steps each
      expect(snapshots.length).toBeGreaterThanOrEqual(4);
      for (const from of snapshots) {
        const steps: number[] = [];
        const onStep = ({ step }: { step: number }) => void steps.push(step);
        expect(await trainDelta(task, { from, onStep })).toEqual(whole);
        const left = task.training.steps - from.losses.length;
        expect(steps).toEqual(Array.from({ length: left }, (_, i) => from.losses.length + 1 + i));
      }
    },
  );

  test("an abort stops before the next step with the signal's reason and frees everything", async () => {
    const before = memory().numTensors;
    const abort = new AbortController();
    let last = 0;
    const run = trainDelta(smallTask(), {
      signal: abort.signal,
      onStep: ({ step }) => {
        last = step;
        if (step === 7) abort.abort(new Error("enough"));
      },
    });
    await expect(run).rejects.toThrow("enough");
    expect(last).toBe(7);
    expect(memory().numTensors).toBe(before);
  });

  test("the base's parameters stay as they were", async () => {
    const task = smallTask({ density: 1, steps: 3 });
    const copy = task.parameters.slice();
    await trainDelta(task);
    expect(task.parameters).toEqual(copy);
  });
});

/** The same training in f64: dense gradient of the reference model, cut to the mask, readable AdamW. */
function trainReference({
  architecture,
  parameters,
  positions,
  examples,
  training,
  seed,
}: ImageTask): { delta: Float64Array; losses: number[] } {
  const layout = layoutOf(architecture);
  const { inputs } = architecture;
  const base = Float64Array.from(positions, (position) => parameters[position]!);
  const batches = seededBatches(seed, examples.count, training.batch);
  const rule = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 };
  const losses: number[] = [];
  let state = startAdamW(positions.length);
  for (let step = 0; step < training.steps; step++) {
    const indices = [...batches.next().value];
    const flat = Float64Array.from(parameters);
    positions.forEach((position, j) => {
      flat[position] = base[j]! + state.delta[j]!;
    });
    const batch = {
      inputs: Float64Array.from(
        indices.flatMap((example) => [
          ...examples.pixels.subarray(example * inputs, (example + 1) * inputs),
        ]),
        (pixel) => pixel / 255,
      ),
      targets: indices.map((example) => examples.labels[example]!),
    };
    const result = mlpGradient(architecture, splitFlat(flat, layout), batch);
    const dense = joinFlat(result.gradient, layout);
    const gradient = Float64Array.from(positions, (position) => dense[position]!);
    state = stepAdamW(state, base, gradient, { ...rule, learningRate: training.learningRate });
    losses.push(mean([...result.losses]));
  }
  return { delta: state.delta, losses };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
