import { afterAll, beforeAll, expect, test } from "vitest";
import {
  closeScenes,
  contributionsOf,
  openScenes,
  openStage,
  scene,
} from "../../tests/fixtures/volunteer-stage.ts";

beforeAll(openScenes);
afterAll(closeScenes);

/** A visit that ended once its finished piece was in the outbox, before it was sent. */
async function crashedScene() {
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
  return world;
}

test("a crash between outbox and sending loses nothing: the next visit sends it, counted once", async () => {
  const world = await crashedScene();
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

test("what was begun is looked at once before all is sent, and where it cannot be read finished work goes out all the same", async () => {
  const world = await crashedScene();
  let looks = 0;
  const next = await openStage({
    ...world,
    wrapStore: (store) => ({
      ...store,
      outbox: async () => (await store.outbox()).flatMap((entry) => [entry, entry]), // sent twice is harmless
      async begun() {
        looks += 1;
        throw Object.assign(new Error("the disk fails"), { name: "UnknownError" });
      },
    }),
  });
  await next.volunteer.ended();
  expect(looks).toBe(2); // as the page opens, and before it sends
  expect(contributionsOf(world.relay)).toEqual([2]);
  expect(await next.store.outbox()).toEqual([]);
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
  expect(offline.underway).toBe(true);
  expect(await store.outbox()).toHaveLength(1);
  world.relay.faults.offline = false;
  expect((await volunteer.ended()).underway).toBe(false);
  expect(contributionsOf(world.relay)).toEqual([1]);
  expect(await store.pieces()).toMatchObject([{ sent: "sent" }]);
});

/** Made a first piece that can't be sent, and then stopped, in a program that stays open. */
async function stoppedOffline() {
  const world = await scene();
  const stage = await openStage({
    ...world,
    staysOpen: true,
    wrapStore: (store) => ({
      ...store,
      async putOutbox(entry) {
        world.relay.faults.offline = (await store.pieces()).length === 0;
        await store.putOutbox(entry);
      },
    }),
  });
  const { volunteer, until, start } = stage;
  await start();
  await until(({ phase }) => phase === "offline");
  const over = until(({ phase }) => phase === "ready");
  await volunteer.stop();
  expect((await over).pieces).toMatchObject([{ sent: "waiting" }]);
  return { ...stage, relay: world.relay };
}

test("after a stop a piece that waits is sent as soon as the relay is back", async () => {
  const { until, relay } = await stoppedOffline();
  const sent = until(({ pieces }) => pieces[0]?.sent === "sent");
  relay.faults.offline = false;
  expect((await sent).phase).toBe("ready");
  expect(contributionsOf(relay)).toEqual([1]);
});

test("a piece that waits keeps nobody from starting, stopping or forgetting", async () => {
  const { volunteer, until, start, store, relay } = await stoppedOffline();
  const offline = until(({ phase }) => phase === "offline");
  await start();
  await offline;
  await volunteer.stop();
  await volunteer.forget();
  expect(await volunteer.ended()).toMatchObject({ phase: "ready", pieces: [] });
  expect(await store.outbox()).toEqual([]);
  expect(contributionsOf(relay)).toEqual([]);
});

test("a start in place of the sending keeps the finish that was asked for at once", async () => {
  const { volunteer, start, relay, store } = await stoppedOffline();
  await start();
  await volunteer.finish();
  relay.faults.offline = false;
  await volunteer.ended();
  expect(await store.pieces()).toHaveLength(2);
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

/** A stage whose relay fails, for ever, on each of the first `count` pieces. */
async function poisoned(count: number) {
  const world = await scene();
  const poison = new Set<string>();
  const ids = new Set<string>();
  world.relay.faults.failsOn = (id) => poison.has(id);
  const stage = await openStage({
    ...world,
    wrapStore: (store) => ({
      ...store,
      async putOutbox(entry) {
        if (ids.size < count) poison.add(entry.piece.id);
        ids.add(entry.piece.id);
        await store.putOutbox(entry);
      },
    }),
  });
  const tries = (id: string) => world.relay.asked.filter((line) => line.endsWith(id)).length;
  return { ...stage, world, ids, poison, tries };
}

test("a piece that the relay fails on is set aside, and sent by a later run", async () => {
  const { volunteer, start, store, world, ids, poison, tries } = await poisoned(1);
  await start(3);
  await volunteer.ended();
  const [first] = ids;
  expect(tries(first!)).toBe(3);
  expect((await store.outbox()).map(({ piece }) => piece.id)).toEqual([first]);
  expect(contributionsOf(world.relay)).toEqual([1, 1]);

  await start(1);
  await volunteer.ended();
  expect(await store.outbox()).toHaveLength(1);
  poison.clear();
  await start(1);
  await volunteer.ended();
  expect(await store.outbox()).toEqual([]);
});

test("a relay that fails on one piece after another is waited for", async () => {
  const { volunteer, start, store, ids, poison, tries } = await poisoned(4);
  await start();
  await new Promise<void>((resolve) => {
    const look = () => {
      const third = [...ids][2];
      if (third !== undefined && tries(third) > 5) resolve();
      else setImmediate(look);
    };
    look();
  });
  expect(ids.size).toBe(3);
  poison.clear();
  await volunteer.stop();
  expect(await store.outbox()).toHaveLength(3);
});
