import { afterAll, beforeAll, expect, test } from "vitest";
import {
  closeScenes,
  contributionsOf,
  openScenes,
  openStage,
  scene,
  watchedEngine,
} from "../../tests/fixtures/volunteer-stage.ts";
import type { Store } from "../store/store.ts";
import type { TrainingLock } from "./training-lock.ts";

beforeAll(openScenes);
afterAll(closeScenes);

test("pause holds the piece where its losses are read next, and resume goes on where it stopped", async () => {
  const world = await scene();
  const steps: number[] = [];
  const engine = watchedEngine((step) => {
    steps.push(step);
    if (step === 5) void stage.volunteer.pause();
  });
  const stage = await openStage({ ...world, engine });
  await stage.start(1);
  const rested =
    /also through a reload, and goes on where it stopped\. The device came to rest after 0\.\d s\.$/;
  const shown = await stage.until(({ reason }) => rested.test(reason ?? ""));
  expect(shown).toMatchObject({ phase: "paused", step: 10 });
  expect(steps).toHaveLength(10);
  await stage.volunteer.resume();
  await stage.volunteer.ended();
  expect(steps).toHaveLength(20);
  expect(contributionsOf(world.relay)).toEqual([1]);
});

test("a paused piece that the store does not take is not said to outlive the page", async () => {
  const world = await scene();
  const engine = watchedEngine((step) => {
    if (step === 5) void stage.volunteer.pause();
  });
  const wrapStore = (store: Store): Store => ({
    ...store,
    putBegun: () => Promise.reject(new DOMException("full", "QuotaExceededError")),
  });
  const stage = await openStage({ ...world, engine, wrapStore });
  await stage.start(1);
  const { reason } = await stage.until(({ reason }) => /came to rest/.test(reason ?? ""));
  expect(reason).toMatch(/kept as long as this page is open, and goes on/);
  await stage.volunteer.resume();
  await stage.volunteer.ended();
  expect(contributionsOf(world.relay)).toEqual([1]);
});

test("stop drops the running piece after the step it is in", async () => {
  const world = await scene();
  const steps: number[] = [];
  let stopped: Promise<void> | null = null;
  const engine = watchedEngine((step) => {
    steps.push(step);
    if (step === 5) stopped = stage.volunteer.stop();
  });
  const stage = await openStage({ ...world, engine });
  const over = stage.until(({ phase, step }) => phase === "ready" && step > 0);
  await stage.start();
  await stage.volunteer.ended();
  await stopped;
  await over;
  expect(steps).toEqual([1, 2, 3, 4, 5]);
  expect(await stage.store.pieces()).toEqual([]);
  expect(world.relay.received.size).toBe(0);
});

test("a pause ends with the run that it held", async () => {
  const world = await scene();
  const engine = watchedEngine((step) => {
    if (step === 5) void stage.volunteer.pause();
  });
  const stage = await openStage({ ...world, engine });
  await stage.start(1);
  await stage.until(({ phase }) => phase === "paused");
  const over = stage.until(({ phase }) => phase === "ready");
  await stage.volunteer.stop();
  expect(await over).toMatchObject({ reason: null });
});

test("a pause that comes while the last piece is sent ends with its run", async () => {
  const world = await scene();
  const relay = {
    ...world.relay,
    fetch: (...asked: Parameters<typeof world.relay.fetch>) => {
      if (asked[0].includes("/contributions")) void stage.volunteer.pause();
      return world.relay.fetch(...asked);
    },
  };
  const stage = await openStage({ ...world, relay });
  await stage.start(1);
  expect(await stage.volunteer.ended()).toMatchObject({ phase: "ready", reason: null });
  expect(contributionsOf(relay)).toEqual([1]);
});

test("finish sends the running piece and begins no other", async () => {
  const world = await scene();
  const engine = watchedEngine((step) => {
    if (step === 5) void stage.volunteer.finish();
  });
  const stage = await openStage({ ...world, engine });
  const finishing = stage.until((snapshot) => snapshot.finishing);
  await stage.start();
  await stage.volunteer.ended();
  await finishing;
  expect(contributionsOf(world.relay)).toEqual([1]);
  expect(world.relay.asked.filter((line) => line.endsWith("/tickets"))).toHaveLength(1);
});

test("nothing is written any more once the run has ended", async () => {
  let writing = 0;
  let written = 0;
  const sent = Promise.withResolvers<void>();
  const wrapStore = (store: Store): Store => ({
    ...store,
    async settle(piece) {
      await store.settle(piece);
      sent.resolve();
    },
    async addExchanged(bytes) {
      writing++;
      await sent.promise;
      for (let turn = 0; turn < 10_000; turn++) await new Promise(setImmediate); // a slow disk
      await store.addExchanged(bytes);
      writing--;
      written++;
    },
  });
  const stage = await openStage({ ...(await scene()), wrapStore });
  await stage.start(1);
  await stage.volunteer.ended();
  expect(written).toBeGreaterThan(0);
  expect(writing).toBe(0);
});

test("finish before the first piece is begun makes that piece the last", async () => {
  const world = await scene();
  const stage = await openStage(world);
  await stage.start();
  await stage.volunteer.finish();
  await stage.volunteer.ended();
  expect(contributionsOf(world.relay)).toEqual([1]);
});

test("finish while there is no work to finish ends at once", async () => {
  const world = await scene();
  world.relay.faults.noWork = Number.POSITIVE_INFINITY;
  const { volunteer, start, until } = await openStage(world);
  await start();
  await until(({ phase }) => phase === "no-work");
  await volunteer.finish();
  expect((await until(({ phase }) => phase === "ready")).finishing).toBe(false);
});

test.each([
  ["after work on another model", 1],
  ["in its first run", 0],
])("a tab that waits for another names the model that it waits with, %s", async (_, runsBefore) => {
  let isFree = true;
  const lock: TrainingLock = {
    async hold(work, { signal, onWait }) {
      if (isFree) return work();
      onWait();
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
    },
  };
  const { volunteer, start, until } = await openStage({ ...(await scene()), lock });
  for (let i = 0; i < runsBefore; i++) {
    await start(1);
    await volunteer.ended();
  }
  isFree = false;
  const waiting = until(({ phase }) => phase === "other-tab");
  await volunteer.start({ model: "another", prefer: "webgpu", power: 1 });
  expect(await waiting).toMatchObject({ model: "another", base: null, shards: [], step: 0 });
  await volunteer.stop();
});

test("a second tab waits, says so, and takes over", async () => {
  const world = await scene();
  let free = () => {};
  const busy = new Promise<void>((resolve) => {
    free = resolve;
  });
  const { volunteer, until, start, store } = await openStage({
    ...world,
    lock: {
      async hold(work, { onWait }) {
        onWait();
        await busy;
        return work();
      },
    },
  });
  await start(1);
  expect((await until(({ phase }) => phase === "other-tab")).reason).toMatch(/^Another tab/);
  expect(world.relay.asked).toEqual([]);
  free();
  await volunteer.ended();
  expect(await store.pieces()).toHaveLength(1);
});

test("a clock that is set back by an hour in mid-piece neither hides the piece's progress nor a pause", async () => {
  const world = await scene();
  let backMs = 0;
  const platform = { ...world.platform, now: () => world.platform.steadyMs() - backMs };
  const steps: number[] = [];
  const engine = watchedEngine((step) => {
    steps.push(step);
    if (step === 3) backMs = 3_600_000;
    if (step === 5) void stage.volunteer.pause();
  });
  const stage = await openStage({ ...world, platform, engine });
  await stage.start(1);
  await stage.until(({ phase, step }) => phase === "paused" && step === 10);
  await stage.volunteer.resume();
  await stage.volunteer.ended();
  expect(steps).toHaveLength(20);
  const [piece] = await stage.store.pieces();
  expect(piece?.sent).toBe("sent");
  expect(piece?.times.trainMs).toBeGreaterThanOrEqual(0);
});

test("a new piece is at step 0, without the last one's losses, before its first step", async () => {
  const stage = await openStage(await scene());
  await stage.start(2);
  await stage.volunteer.ended();
  const pieces = stage.told.filter(({ phase }) => phase === "downloading");
  expect(pieces.length).toBeGreaterThan(0);
  for (const { step, losses } of pieces) expect({ step, losses }).toEqual({ step: 0, losses: [] });
});

test("what waits for the relay asks at once when the page hears that it is back", async () => {
  const world = await scene();
  let away = true;
  const fetch: typeof world.relay.fetch = (url, init) =>
    away ? Promise.reject(new TypeError("away")) : world.relay.fetch(url, init);
  const platform = {
    ...world.platform,
    sleep: (ms: number, signal?: AbortSignal) =>
      ms < 500
        ? world.platform.sleep(ms, signal)
        : new Promise<void>((_, reject) => {
            signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
          }), // a minute that nobody waits for
  };
  const stage = await openStage({ ...world, platform, relay: { ...world.relay, fetch } });
  const offline = stage.until(({ phase }) => phase === "offline");
  await stage.start(1);
  await offline;
  away = false;
  await stage.volunteer.wake();
  await stage.volunteer.ended();
  expect(contributionsOf(world.relay)).toEqual([1]);
});

test("a piece whose key was erased in mid-piece is not sent under another, and says so", async () => {
  const world = await scene();
  let erased = false;
  const engine = watchedEngine((step) => {
    if (step === 5) erased = true;
  });
  const stage = await openStage({
    ...world,
    engine,
    wrapStore: (store) => ({ ...store, keyPair: async () => (erased ? null : store.keyPair()) }),
  });
  await stage.start(1);
  const end = await stage.volunteer.ended();
  expect(end.phase).toBe("stopped");
  expect(end.reason).toMatch(/was erased.*Start again/);
  expect(world.relay.received.size).toBe(0);
});
