import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import {
  closeScenes,
  contributionsOf,
  openScenes,
  openStage,
  realEngine,
  scene,
} from "../../tests/fixtures/volunteer-stage.ts";
import { createEngine, type Engine } from "../device/engine.ts";

beforeAll(openScenes);
afterAll(closeScenes);
afterEach(() => vi.unstubAllGlobals());

const forEver = new Promise<never>(() => {});

/** All that can go on without an event from outside has gone on. */
async function quiet(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** The real engine on a device that has to pass `check`. */
const checkedEngine = (check: () => Promise<string | null>): Engine => ({
  open: async (prefer) => ({
    ...(await realEngine.open(prefer)),
    selfCheck: { fingerprint: "a device", run: check },
  }),
});

test.each<[string, Engine]>([
  ["the engine's files don't come", { open: () => forEver }],
  ["the device does not answer its check", checkedEngine(() => forEver)],
])("stop is heard while %s", async (_, engine) => {
  const { volunteer, until, start } = await openStage({ ...(await scene()), engine });
  const checking = until(({ phase }) => phase === "checking");
  await start();
  await checking;
  const over = until(({ phase }) => phase === "ready");
  await volunteer.stop();
  expect(await over).toMatchObject({ reason: null });
});

test("a check that ends after its run was stopped is not kept", async () => {
  const checked = Promise.withResolvers<null>();
  const begun = Promise.withResolvers<void>();
  const engine = checkedEngine(() => {
    begun.resolve();
    return checked.promise;
  });
  let kept = 0;
  const { volunteer, start } = await openStage({
    ...(await scene()),
    engine,
    wrapStore: (store) => ({
      ...store,
      async putDeviceCheck() {
        kept++;
      },
    }),
  });
  await start();
  await begun.promise;
  await volunteer.stop();
  checked.resolve(null);
  await new Promise((resolve) => setImmediate(resolve));
  expect(kept).toBe(0);
});

test("no check is begun while paused", async () => {
  const opened = Promise.withResolvers<void>();
  let checks = 0;
  const { volunteer, until, start } = await openStage({
    ...(await scene()),
    engine: {
      async open() {
        await opened.promise;
        return checkedEngine(async () => {
          checks++;
          return null;
        }).open("cpu");
      },
    },
  });
  await start(1);
  const paused = until(({ phase }) => phase === "paused");
  await volunteer.pause();
  opened.resolve();
  await paused;
  await quiet();
  expect(checks).toBe(0);
  await volunteer.resume();
  await volunteer.ended();
  expect(checks).toBe(1);
});

/** A browser that keeps every question for an adapter waiting until `answer` says that there is none. */
function slowGpu() {
  const asked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<null>();
  let questions = 0;
  const requestAdapter = () => {
    questions++;
    asked.resolve();
    return answered.promise;
  };
  vi.stubGlobal("navigator", { gpu: { requestAdapter } });
  return { asked: asked.promise, answer: () => answered.resolve(null), questions: () => questions };
}

/** The engine that people have, and how often it trained. */
function countedEngine() {
  const engine = createEngine();
  const counted = {
    trainings: 0,
    async open(...call: Parameters<Engine["open"]>) {
      const open = await engine.open(...call);
      const train: typeof open.train = (task, options) => {
        counted.trainings++;
        return open.train(task, options);
      };
      return { ...open, train };
    },
  };
  return counted;
}

test("a run waits until the device is free of the one that was stopped, says so, and trains once", async () => {
  const gpu = slowGpu();
  const engine = countedEngine();
  const world = await scene();
  const { volunteer, until, start } = await openStage({ ...world, engine });
  await volunteer.start({ model: "tiny", prefer: "webgpu", power: 1 });
  await gpu.asked;
  const over = until(({ phase }) => phase === "ready");
  await volunteer.stop();
  await over;
  const busy = until(({ reason }) => /^This device is still busy/.test(reason ?? ""));
  await start(1);
  expect(await busy).toMatchObject({ phase: "checking" });
  await quiet();
  expect(engine.trainings).toBe(0);
  gpu.answer();
  expect(await volunteer.ended()).toMatchObject({ phase: "ready", engine: "wasm" });
  expect(engine.trainings).toBe(1);
  expect(contributionsOf(world.relay)).toEqual([1]);
});

test("a run that is stopped while it waits for the device leaves it alone, and says nothing more", async () => {
  const gpu = slowGpu();
  const engine = countedEngine();
  const { volunteer, until, told } = await openStage({ ...(await scene()), engine });
  const startOnGpu = () => volunteer.start({ model: "tiny", prefer: "webgpu", power: 1 });
  await startOnGpu();
  await gpu.asked;
  await volunteer.stop();
  const busy = until(({ reason }) => reason !== null);
  await startOnGpu();
  await busy;
  const over = until(({ phase }) => phase === "ready");
  await volunteer.stop();
  await over;
  await quiet();
  const before = told.length;
  gpu.answer();
  await quiet();
  expect(gpu.questions()).toBe(1);
  expect(told).toHaveLength(before);
});
