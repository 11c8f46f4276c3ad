import { afterAll, beforeAll, expect, test } from "vitest";
import { layoutOf } from "../../core/models/registry.ts";
import { dequantise, segmentStarts } from "../../core/patch/quantiser.ts";
import { randomPositions } from "../../core/patch/random-mask.ts";
import { fakeRecipe } from "../../tests/fixtures/fake-relay-model.ts";
import { closeScenes, openScenes, openStage, scene } from "../../tests/fixtures/volunteer-stage.ts";
import type { Engine } from "../device/engine.ts";
import type { Store } from "../store/store.ts";

beforeAll(openScenes);
afterAll(closeScenes);

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

test("a start right after an end begins anew, however long the store is read for what was left", async () => {
  const world = await scene();
  const readSlowly = (store: Store): Store => ({
    ...store,
    async begun() {
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
      return store.begun();
    },
  });
  const { volunteer, start, until } = await openStage({ ...world, wrapStore: readSlowly });
  const over = until(({ phase, pieces }) => phase === "ready" && pieces[0]?.sent === "sent");
  await start(1);
  await over;
  await start(1);
  await volunteer.ended();
  expect(world.relay.received.size).toBe(2);
});

test("no device is touched and nothing is asked before start", async () => {
  const world = await scene();
  const engine: Engine = { open: () => Promise.reject(new Error("opened before consent")) };
  const { told, store } = await openStage({ ...world, engine });
  expect(world.relay.asked).toEqual([]);
  expect(await store.keyPair()).toBeNull();
  expect(told.every(({ phase }) => phase === "ready")).toBe(true);
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
