import { afterAll, beforeAll, expect, test } from "vitest";
import type { FakeRelay } from "../../tests/fixtures/fake-relay.ts";
import {
  closeScenes,
  contributionsOf,
  openScenes,
  openStage,
  realEngine,
  scene,
  watchedEngine,
} from "../../tests/fixtures/volunteer-stage.ts";
import type { Engine } from "../device/engine.ts";

beforeAll(openScenes);
afterAll(closeScenes);

const timesAsked = ({ asked }: FakeRelay, line: RegExp) =>
  asked.filter((one) => line.test(one)).length;
const ASKS = /^POST .+\/judging\/jobs$/;
const ANSWERS = /^PUT .+\/judging\/jobs\//;

/** The real engine, whose device fails at the first evaluation, and does nothing more until it is opened anew. */
function failingEngine(name: string) {
  const counts = { opened: 0 };
  const engine: Engine = {
    async open(prefer) {
      const open = await realEngine.open(prefer);
      let failed = counts.opened++ > 0 ? null : false;
      const fail = () => Promise.reject(Object.assign(new Error("too bad"), { name }));
      return {
        ...open,
        evaluate(...call) {
          if (failed === null) return open.evaluate(...call);
          failed = true;
          return fail();
        },
        train: (...call) => (failed ? fail() : open.train(...call)),
      };
    },
  };
  return { engine, counts };
}

test.each([
  ["DeviceMemoryError", 0], // it would run out again
  ["DeviceLostError", 1],
])("a %s while judging costs no piece: the device is opened anew", async (name, judged) => {
  const world = await scene({ jobs: 2 });
  const { engine, counts } = failingEngine(name);
  const { volunteer, start } = await openStage({ ...world, engine });
  await start(2);
  expect(await volunteer.ended()).toMatchObject({ phase: "ready", reason: null });
  expect(contributionsOf(world.relay)).toEqual([1, 1]);
  expect(counts.opened).toBe(2);
  expect(timesAsked(world.relay, ANSWERS)).toBe(judged);
});

test("J8: the relay is asked for jury duty again when it says, and not before", async () => {
  const world = await scene({ jobs: 0 });
  const asks: number[] = [];
  const engine = watchedEngine((step) => {
    if (step !== 1) return;
    asks.push(timesAsked(world.relay, ASKS));
    if (asks.length === 3) void world.platform.sleep(300_000);
  });
  const { volunteer, start } = await openStage({ ...world, engine });
  await start(4);
  await volunteer.ended();
  expect(asks).toEqual([1, 1, 1, 2]);
});

test("finish while it judges ends with what it judges: no piece is begun", async () => {
  const world = await scene({ jobs: 2 });
  const engine: Engine = {
    async open(prefer) {
      const open = await realEngine.open(prefer);
      const evaluate: typeof open.evaluate = async (...call) => {
        await stage.volunteer.finish();
        return open.evaluate(...call);
      };
      return { ...open, evaluate };
    },
  };
  const stage = await openStage({ ...world, engine });
  await stage.start(2);
  expect(await stage.volunteer.ended()).toMatchObject({ phase: "ready", finishing: false });
  expect(timesAsked(world.relay, ANSWERS)).toBe(1);
  expect(timesAsked(world.relay, /tickets$/)).toBe(0);
});
