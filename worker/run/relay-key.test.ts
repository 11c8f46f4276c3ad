import { afterAll, beforeAll, expect, test } from "vitest";
import { closeScenes, openScenes, openStage, scene } from "../../tests/fixtures/volunteer-stage.ts";

beforeAll(openScenes);
afterAll(closeScenes);

const CHANGED = /^This relay has another key than at your first visit/;

test("S2: a relay that comes back with another key gets no work and gives none, and the volunteer is told what to do", async () => {
  const world = await scene();
  const first = await openStage(world);
  await first.start(1);
  expect((await first.volunteer.ended()).phase).toBe("ready");
  await world.relay.changeKey();
  const askedBefore = world.relay.asked.length;
  const second = await openStage(world);
  await second.start(1);
  const { phase, reason } = await second.volunteer.ended();
  expect([phase, reason]).toEqual(["stopped", expect.stringMatching(CHANGED)]);
  const asked = world.relay.asked.slice(askedBefore);
  expect(asked.filter((line) => !line.startsWith("GET"))).toEqual([]);
});

test("S2: a relay whose key changes while a volunteer runs costs one ticket", async () => {
  const world = await scene();
  const { volunteer, start, until } = await openStage(world);
  const uploading = until(({ phase }) => phase === "uploading");
  await start(3);
  await uploading;
  await world.relay.changeKey();
  const { phase, reason } = await volunteer.ended();
  expect([phase, reason]).toEqual(["stopped", expect.stringMatching(CHANGED)]);
  expect(world.relay.asked.filter((line) => /^POST .*tickets$/.test(line)).length).toBeLessThan(4);
});

test("S2: finished work waits while the relay has another key", async () => {
  const world = await scene();
  const first = await openStage(world);
  await first.start(1);
  await first.volunteer.ended();
  const [piece] = await first.store.pieces();
  await first.store.putOutbox({
    bytes: new Uint8Array(1),
    signature: "ab".repeat(64),
    piece: { ...piece!, id: "cd".repeat(32), sent: "waiting" },
  });
  await world.relay.changeKey();
  const second = await openStage(world);
  await second.volunteer.ended();
  expect(await second.store.outbox()).toHaveLength(1);
  expect(world.relay.asked.filter((line) => line.startsWith("PUT"))).toHaveLength(1);
});
