import { afterAll, beforeAll, expect, test } from "vitest";
import { layoutOf } from "../../core/models/registry.ts";
import { fakeRecipe } from "../../tests/fixtures/fake-relay-model.ts";
import { closeScenes, openScenes, openStage, scene } from "../../tests/fixtures/volunteer-stage.ts";

beforeAll(openScenes);
afterAll(closeScenes);

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

test("a piece whose data stays damaged is given up, said so, and another is asked for", async () => {
  const world = await scene();
  const { broken } = world.relay.faults;
  for (const { sha256 } of world.relay.shards) broken.add(sha256);
  const { volunteer, until, start, store } = await openStage(world);
  const givenUp = until(({ reason }) => reason?.includes("the piece is given up") === true);
  await start(2);
  await givenUp;
  broken.clear();
  await volunteer.ended();
  const tickets = world.relay.asked.filter((line) => /^POST .*tickets$/.test(line));
  expect(tickets.length).toBe(2);
  expect(await store.pieces()).toMatchObject([{ sent: "sent" }]);
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
