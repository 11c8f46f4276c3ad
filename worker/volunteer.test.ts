import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { layoutOf } from "../core/models/registry.ts";
import { dequantise, segmentStarts } from "../core/patch/quantiser.ts";
import { randomPositions } from "../core/patch/random-mask.ts";
import { createFakeRelay } from "../tests/fixtures/fake-relay.ts";
import { fakeRecipe } from "../tests/fixtures/fake-relay-model.ts";
import { jumpingPlatform, openStage, realEngine } from "../tests/fixtures/volunteer-stage.ts";
import type { Engine } from "./engine.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "commonweight-volunteer-"));
});
afterAll(() => rm(root, { recursive: true }));

let stages = 0;
/** A relay, a clock and a folder of one test. */
async function scene() {
  const platform = jumpingPlatform();
  const relay = await createFakeRelay({ now: platform.now });
  return { relay, platform, path: join(root, String(stages++)) };
}
const contributionsOf = (relay: { received: Map<string, { sent: number }> }) =>
  [...relay.received.values()].map(({ sent }) => sent);

test("a volunteer asks, loads, trains and sends a piece, and keeps what became of it", async () => {
  const world = await scene();
  const { volunteer, store, told, until, start } = await openStage(world);
  const over = until(({ phase, pieces }) => phase === "ready" && pieces[0]?.sent === "sent");
  await start(1);
  await volunteer.ended();

  const [received] = world.relay.received.values();
  const { header } = received!.patch;
  expect(header).toMatchObject({ model: "tiny", shards: [0, 1], steps: 20, software: "test/1" });
  expect(header.lossAfter).toBeLessThan(header.lossBefore);
  const { mask } = header;
  if (mask.kind !== "random") throw new Error("the ticket's mask");
  const layout = layoutOf(fakeRecipe.architecture);
  const positions = randomPositions(mask.seed, mask.count, layout.size);
  const delta = dequantise(received!.patch, segmentStarts(layout, positions));
  expect(delta.some((value) => value !== 0)).toBe(true);

  expect(await store.outbox()).toEqual([]);
  expect(told[0]?.contributor).toBeNull();
  const last = await over;
  expect(last).toMatchObject({ phase: "ready", reason: null, engine: "wasm", base: 0 });
  expect(last.pieces).toMatchObject([
    { id: received!.receipt.id, sent: "sent", state: "received", refusal: null },
  ]);
  expect(last.pieces[0]?.downloadedBytes).toBeGreaterThan(0);
  expect(last.losses.map(({ step }) => step)).toEqual([10, 20]);
});

test("no device is touched and nothing is asked before start", async () => {
  const world = await scene();
  const engine: Engine = { open: () => Promise.reject(new Error("opened before consent")) };
  const { told, store } = await openStage({ ...world, engine });
  expect(world.relay.asked).toEqual([]);
  expect(await store.keyPair()).toBeNull();
  expect(told.every(({ phase }) => phase === "ready")).toBe(true);
});

test("on the next visit only the delta steps since the held version come", async () => {
  const world = await scene();
  const first = await openStage(world);
  await first.start(1);
  await first.volunteer.ended();
  await world.relay.publish();
  await world.relay.publish();

  const second = await openStage(world);
  await second.start(1);
  await second.volunteer.ended();
  const [newest, oldest] = await second.store.pieces();
  expect(newest).toMatchObject({ base: 2, sent: "sent" });
  const [chunk] = world.relay.chunks;
  const chunkFetches = world.relay.asked.filter((line) => line.endsWith(chunk!));
  expect(chunkFetches).toHaveLength(1);
  expect(newest!.downloadedBytes).toBeGreaterThan(0);
  expect(newest!.downloadedBytes).not.toBe(oldest!.downloadedBytes);
});

test("a held version that leads elsewhere is dropped for a keyframe", async () => {
  const world = await scene();
  const { volunteer, store, start } = await openStage(world);
  const { size } = layoutOf(fakeRecipe.architecture);
  await store.putHeld({ model: "tiny", version: 0, parameters: new Float32Array(size) });
  await world.relay.publish();
  await start(1);
  await volunteer.ended();
  expect(await store.pieces()).toMatchObject([{ base: 1, sent: "sent" }]);
  expect((await store.held("tiny"))?.version).toBe(1);
});

test("damaged bytes are thrown away, said so, and fetched anew", async () => {
  const world = await scene();
  const [chunk] = world.relay.chunks;
  world.relay.faults.damaged.add(chunk!);
  world.relay.faults.damaged.add(world.relay.shards[1]!.sha256);
  const { volunteer, until, start, store } = await openStage(world);
  const offline = until(({ phase }) => phase === "offline");
  await start(1);
  expect((await offline).reason).toMatch(/^The relay sent damaged data, which was thrown away/);
  await volunteer.ended();
  expect(await store.pieces()).toMatchObject([{ sent: "sent" }]);
  expect(world.relay.faults.damaged.size).toBe(0);
});

test("damaged bytes in the store are found by their hash and fetched anew", async () => {
  const world = await scene();
  const { volunteer, start, store } = await openStage(world);
  const [shard] = world.relay.shards;
  await store.putBlob(shard!.sha256, new Uint8Array(shard!.sizeBytes));
  await start(1);
  await volunteer.ended();
  expect(await store.pieces()).toMatchObject([{ sent: "sent" }]);
  expect(world.relay.asked.filter((line) => line.endsWith(shard!.sha256))).toHaveLength(1);
});

test("a crash between outbox and sending loses nothing: the next visit sends it, counted once", async () => {
  const world = await scene();
  const crashed = await openStage({
    ...world,
    wrapStore: (store) => ({
      ...store,
      async putOutbox(entry) {
        await store.putOutbox(entry);
        throw new Error("the tab was closed");
      },
    }),
  });
  await crashed.start(1);
  await crashed.volunteer.ended();
  expect(contributionsOf(world.relay)).toEqual([]);

  const next = await openStage(world);
  await next.volunteer.ended(); // opening is enough: the work was consented to when it was done
  expect(contributionsOf(world.relay)).toEqual([1]);
  expect(await next.store.outbox()).toEqual([]);
  expect(await next.store.pieces()).toMatchObject([{ sent: "sent" }]);
  const again = await openStage(world);
  await again.volunteer.ended();
  expect(contributionsOf(world.relay)).toEqual([1]);
});

test("a receipt that gets lost makes the piece be sent again, and it is counted once", async () => {
  const world = await scene();
  world.relay.faults.lostReceipts = 2;
  const { volunteer, start, store, until } = await openStage(world);
  const offline = until(({ phase }) => phase === "offline");
  await start(1);
  await offline;
  await volunteer.ended();
  expect(contributionsOf(world.relay)).toEqual([3]);
  expect(await store.pieces()).toMatchObject([{ sent: "sent" }]);
});

test("while the relay is away the piece waits in the outbox, and goes out when it is back", async () => {
  const world = await scene();
  const { volunteer, until, start, store } = await openStage({
    ...world,
    wrapStore: (store) => ({
      ...store,
      async putOutbox(entry) {
        world.relay.faults.offline = true;
        await store.putOutbox(entry);
      },
    }),
  });
  await start(1);
  const offline = await until(({ phase }) => phase === "offline");
  expect(offline.reason).toMatch(/can't be reached. Finished work is kept here/);
  expect(offline.pieces).toMatchObject([{ sent: "waiting" }]);
  expect(await store.outbox()).toHaveLength(1);
  world.relay.faults.offline = false;
  await volunteer.ended();
  expect(contributionsOf(world.relay)).toEqual([1]);
  expect(await store.pieces()).toMatchObject([{ sent: "sent" }]);
});

test.each(["harmful", "signature-invalid"] as const)(
  "a piece refused as %s is recorded with its code and the next one begun",
  async (code) => {
    const world = await scene();
    const { volunteer, start, store } = await openStage({
      ...world,
      wrapStore: (store) => ({
        ...store,
        async putOutbox(entry) {
          if ((await store.pieces()).length === 0) world.relay.faults.refuseNext = code;
          await store.putOutbox(entry);
        },
      }),
    });
    await start(2);
    await volunteer.ended();
    const [second, first] = await store.pieces();
    expect(first).toMatchObject({ sent: "refused", refusal: { code, message: code } });
    expect(second).toMatchObject({ sent: "sent", refusal: null });
    expect(await store.outbox()).toEqual([]);
  },
);

test("a page that is older than the relay stops, says so and keeps its work", async () => {
  const world = await scene();
  const { start, store, until } = await openStage({
    ...world,
    wrapStore: (store) => ({
      ...store,
      async putOutbox(entry) {
        world.relay.faults.refuseNext = "outdated";
        await store.putOutbox(entry);
      },
    }),
  });
  const stopped = until(({ phase }) => phase === "stopped");
  await start(1);
  expect(await stopped).toMatchObject({
    reason: "This page is older than the relay. Reload it; finished work is kept.",
  });
  expect(await store.outbox()).toHaveLength(1);
});

test("an unknown model stops the volunteer with the relay's words", async () => {
  const world = await scene();
  const { volunteer, until } = await openStage(world);
  const stopped = until(({ phase }) => phase === "stopped");
  await volunteer.start({ model: "unknown", prefer: "cpu", power: 1 });
  expect((await stopped).reason).toBe("Something went wrong: model-unknown.");
});

test("no work is told with the relay's reason, and asked for again by itself", async () => {
  const world = await scene();
  world.relay.faults.noWork = 2;
  const { volunteer, start, store, until } = await openStage(world);
  const waiting = until(({ phase }) => phase === "no-work");
  await start(1);
  expect((await waiting).reason).toBe("The queue is full.");
  await volunteer.ended();
  expect(await store.pieces()).toHaveLength(1);
});

test("S2: a ticket that the relay's key did not sign is not worked on", async () => {
  const world = await scene();
  world.relay.faults.forgeTickets = true;
  const { volunteer, until, start, store } = await openStage(world);
  await start(1);
  const waiting = await until(({ phase }) => phase === "offline");
  expect(waiting.reason).toMatch(/a ticket that is not its own/);
  await volunteer.stop();
  expect(await store.pieces()).toEqual([]);
});

/** The real engine, with `onStep` told after each step before the volunteer is. */
function watchedEngine(onStep: (step: number) => void): Engine {
  return {
    async open(prefer) {
      const open = await realEngine.open(prefer);
      const train: typeof open.train = (task, options) =>
        open.train(task, {
          ...options,
          async onStep(report) {
            onStep(report.step);
            await options.onStep?.(report);
          },
        });
      return { ...open, train };
    },
  };
}

test("pause holds the piece between two steps, and resume goes on where it stopped", async () => {
  const world = await scene();
  const steps: number[] = [];
  const engine = watchedEngine((step) => {
    steps.push(step);
    if (step === 5) void stage.volunteer.pause();
  });
  const stage = await openStage({ ...world, engine });
  await stage.start(1);
  const shown = await stage.until(({ phase, step }) => phase === "paused" && step === 5);
  expect(shown.reason).toMatch(/goes on where it stopped/);
  expect(steps).toEqual([1, 2, 3, 4, 5]);
  await stage.volunteer.resume();
  await stage.volunteer.ended();
  expect(steps).toHaveLength(20);
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
  const over = stage.until(({ phase, model }) => phase === "ready" && model !== null);
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

test("finish while there is no work to finish ends at once", async () => {
  const world = await scene();
  world.relay.faults.noWork = Number.POSITIVE_INFINITY;
  const { volunteer, start, until } = await openStage(world);
  await start();
  await until(({ phase }) => phase === "no-work");
  await volunteer.finish();
  expect((await until(({ phase }) => phase === "ready")).finishing).toBe(false);
});

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

test("a device that is lost twice in a row stops the volunteer with a plain sentence", async () => {
  const world = await scene();
  const engine = frailEngine(2);
  const { start, until } = await openStage({ ...world, engine });
  const stopped = until(({ phase }) => phase === "stopped");
  await start(1);
  expect((await stopped).reason).toMatch(/^The graphics device went away twice in a row/);
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

test("a piece whose ticket runs out while it is trained is dropped for a new ticket", async () => {
  const world = await scene();
  world.relay.faults.ticketMs = 1;
  const { volunteer, until, start, store } = await openStage(world);
  await start();
  const asked = () => world.relay.asked.filter((line) => line.endsWith("/tickets")).length;
  await until(() => asked() === 2);
  await volunteer.stop();
  expect(await store.pieces()).toEqual([]);
});

test("forgetting the device leaves no key, piece or cache", async () => {
  const world = await scene();
  const { volunteer, start, store, until } = await openStage(world);
  await start(1);
  await volunteer.ended();
  const forgotten = until(({ contributor }) => contributor === null);
  await volunteer.forget();
  expect(await forgotten).toMatchObject({ phase: "ready", pieces: [], base: null });
  expect(await store.keyPair()).toBeNull();
  expect(await store.pieces()).toEqual([]);
  expect(await store.held("tiny")).toBeNull();
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
