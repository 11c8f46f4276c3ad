import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { TrainingResult, TrainingTask } from "../../core/training/train.ts";
import { tinyPatterns, tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import {
  closeScenes,
  openScenes,
  openStage,
  realEngine,
  scene,
  watchedEngine,
} from "../../tests/fixtures/volunteer-stage.ts";
import { spoilProducts } from "../../tests/fixtures/wrong-device.ts";
import type { Engine } from "../device/engine.ts";
import { watchTraining, watchWork } from "../device/watched-device.ts";

beforeAll(openScenes);
afterAll(closeScenes);

/** The real engine, whose device is lost in the first `losses` pieces. */
function frailEngine(losses: number): Engine & { opened: number } {
  let left = losses;
  const engine = {
    opened: 0,
    async open(prefer: "webgpu" | "cpu") {
      engine.opened++;
      const open = await realEngine.open(prefer);
      const train: typeof open.train = async (task, options) => {
        if (left-- > 0) throw Object.assign(new Error("gone"), { name: "DeviceLostError" });
        return open.train(task, options);
      };
      return { ...open, train };
    },
  };
  return engine;
}

test("a lost device is opened anew and the piece trained again", async () => {
  const world = await scene();
  const engine = frailEngine(1);
  const { volunteer, start, store } = await openStage({ ...world, engine });
  await start(1);
  await volunteer.ended();
  expect(engine.opened).toBe(2);
  expect(await store.pieces()).toMatchObject([{ sent: "sent" }]);
});

test("M8: a device that is lost while the mask is chosen is opened anew, and chooses the same one", async () => {
  const mask = { kind: "own", count: 9 } as const;
  const masks: Uint32Array[] = [];
  for (const losses of [0, 1]) {
    let left = losses;
    const world = await scene({ mask });
    const engine: Engine = {
      async open(prefer) {
        const open = await realEngine.open(prefer);
        const preparePieceMask: typeof open.preparePieceMask = async (...call) => {
          if (left-- > 0) throw Object.assign(new Error("gone"), { name: "DeviceLostError" });
          return open.preparePieceMask(...call);
        };
        return { ...open, preparePieceMask };
      },
    };
    const { volunteer, start } = await openStage({ ...world, engine });
    await start(1);
    expect((await volunteer.ended()).reason).toBeNull();
    for (const { patch } of world.relay.received.values()) masks.push(patch.positions!);
  }
  expect(masks.map(({ length }) => length)).toEqual([9, 9]);
  expect(masks[0]).toEqual(masks[1]);
});

test("after a lost device the training goes on from its last snapshot, to the same delta", async () => {
  const world = await scene();
  const steps: number[] = [];
  const tasks: TrainingTask[] = [];
  const results: TrainingResult[] = [];
  const engine: Engine = {
    async open(prefer) {
      const open = await realEngine.open(prefer);
      const train: typeof open.train = async (task, options) => {
        tasks.push(task);
        let clock = 0;
        const result = await open.train(task, {
          ...options,
          now: () => (clock += 1_000), // so slow that snapshots are due
          async onStep(report, take) {
            steps.push(report.step);
            if (steps.length === 15) throw Object.assign(new Error(), { name: "DeviceLostError" });
            await options.onStep?.(report, take);
          },
        });
        results.push(result);
        return result;
      };
      return { ...open, train };
    },
  };
  const { volunteer, start } = await openStage({ ...world, engine });
  await start(1);
  await volunteer.ended();
  const after = steps.slice(15);
  expect(after[0]).toBeGreaterThan(10);
  expect(after[0]).toBeLessThanOrEqual(15);
  expect(after.at(-1)).toBe(20);
  const untouched = await (await realEngine.open("cpu")).train(tasks[0]!, {});
  expect(results).toEqual([untouched]);
});

test("a device that is lost twice in a row stops the volunteer with a plain sentence", async () => {
  const world = await scene();
  const engine = frailEngine(2);
  const { start, until } = await openStage({ ...world, engine });
  const stopped = until(({ phase }) => phase === "stopped");
  await start(1);
  expect((await stopped).reason).toMatch(/^The graphics device went away twice in a row/);
});

/** The real engine, watched, whose products are wrong from a step on; `onStep` is told before the volunteer is. */
function wrongEngine(step: number, onStep: (step: number) => unknown = () => {}) {
  const spoiled = { mend: () => {} };
  onTestFinished(() => spoiled.mend());
  const engine: Engine = {
    async open(prefer) {
      const open = await realEngine.open(prefer);
      const train = watchTraining((task, options = {}) => {
        let clock = 0;
        return open.train(task, {
          ...options,
          now: () => (clock += 1_000), // so slow that snapshots are due
          async onStep(report, take) {
            if (report.step === step) {
              spoiled.mend();
              spoiled.mend = spoilProducts((values) => values.fill(0.5));
            }
            await onStep(report.step);
            await options.onStep?.(report, take);
          },
        });
      });
      return { ...open, train };
    },
  };
  return { engine, spoiled };
}

type Stage = Awaited<ReturnType<typeof openStage>>;
test.each<[string, (stage: Stage) => unknown]>([
  ["", ({ store }) => store.putBegun(new Uint8Array(1))], // as now and then
  [", also where it is paused then", ({ volunteer }) => volunteer.pause()],
])(
  "a device that computes wrong answers from some step on ends the piece%s, and nothing is kept or sent",
  async (_, thereupon) => {
    const world = await scene();
    const { engine } = wrongEngine(2, (step) => step === 2 && thereupon(stage));
    const stage = await openStage({ ...world, engine });
    const { start, until, store } = stage;
    const stopped = until(({ phase }) => phase === "stopped");
    await start(1);
    const { reason } = await stopped;
    expect(reason).toMatch(/^This graphics device computed wrong answers \(row 0 of a product of/);
    expect([await store.outbox(), await store.begun()]).toEqual([[], null]);
    expect(world.relay.received.size).toBe(0);
  },
);

test("what a wrong device trained does not go on after it is lost and comes back right", async () => {
  const world = await scene();
  const { engine, spoiled } = wrongEngine(2, (step) => {
    if (step !== 12) return;
    spoiled.mend();
    throw Object.assign(new Error(), { name: "DeviceLostError" });
  });
  const { volunteer, start } = await openStage({ ...world, engine });
  await start(1);
  const { reason } = await volunteer.ended();
  expect(reason).toMatch(/^This graphics device computed wrong answers/);
  expect(world.relay.received.size).toBe(0);
});

test("J11: what a wrong device judged is not given to anybody", async () => {
  const { evaluate, layoutOf } = await realEngine.open("cpu");
  const judge = watchWork(async (...call: Parameters<typeof evaluate>) => {
    onTestFinished(spoilProducts((values) => values.fill(0.5)));
    return evaluate(...call);
  });
  const { architecture } = tinyRecipe;
  const parameters = new Float32Array(layoutOf(architecture).size);
  const task = { architecture, parameters, examples: tinyPatterns("gate", 16) };
  await expect(judge(task)).rejects.toMatchObject({ name: "DeviceWrongError" });
});

test("a model that the device can't hold is refused before it is fetched, with the sizes", async () => {
  const world = await scene();
  const engine: Engine = {
    open: async (prefer) => ({ ...(await realEngine.open(prefer)), maxTensorBytes: 100 }),
  };
  const { start, until, store } = await openStage({ ...world, engine });
  const stopped = until(({ phase }) => phase === "stopped");
  await start(1);
  expect((await stopped).reason).toMatch(
    /^This model does not fit on this device: .+ takes \d+\.\d MB, and the device allows 0\.0 MB\.$/,
  );
  expect((await stopped).download).toEqual({ doneBytes: 0, totalBytes: 0 });
  expect(await store.held("tiny")).toBeNull();
});

test.each([
  ["DeviceMemoryError", /^The graphics device ran out of memory/],
  ["HostMemoryError", /^The processor has no memory left for this model/],
  ["ThreadSilentError", /^A part of the processor stopped answering/],
  ["DeviceFaultError", /^The graphics device refused to compute \(too bad\)/],
])("a %s stops the volunteer with a plain sentence", async (name, sentence) => {
  const world = await scene();
  const engine: Engine = {
    async open(prefer) {
      const train = () => Promise.reject(Object.assign(new Error("too bad"), { name }));
      return { ...(await realEngine.open(prefer)), train };
    },
  };
  const { start, until } = await openStage({ ...world, engine });
  const stopped = until(({ phase }) => phase === "stopped");
  await start(1);
  expect((await stopped).reason).toMatch(sentence);
});

test("where WebGPU is missing the processor trains and the page is told", async () => {
  const world = await scene();
  const engine = watchedEngine((step) => {
    if (step === 5) void stage.volunteer.pause(); // so that the page is told in the middle of it
  });
  const stage = await openStage({ ...world, engine });
  await stage.volunteer.start({ model: "tiny", prefer: "webgpu", power: 1, pieces: 1 });
  await stage.until(({ phase }) => phase === "paused");
  const training = stage.until(({ phase }) => phase === "training");
  await stage.volunteer.resume();
  expect(await training).toMatchObject({ engine: "wasm" });
  expect((await training).reason).toMatch(/^WebGPU does not work/);
  await stage.volunteer.ended();
});
