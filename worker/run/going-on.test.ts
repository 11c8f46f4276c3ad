import { afterAll, beforeAll, expect, test } from "vitest";
import { createRandom } from "../../core/random.ts";
import type { TrainingResult, TrainingTask } from "../../core/training/train.ts";
import {
  closeScenes,
  openScenes,
  openStage,
  realEngine,
  scene,
} from "../../tests/fixtures/volunteer-stage.ts";
import type { Engine } from "../device/engine.ts";
import type { Store } from "../store/store.ts";
import { decodeBegunPiece, encodeBegunPiece } from "./begun-piece.ts";
import { tellKept } from "./going-on.ts";

beforeAll(openScenes);
afterAll(closeScenes);

const STEPS = 20; // of a piece of the scene's relay
type World = Awaited<ReturnType<typeof scene>>;
type Opening = Partial<Pick<Awaited<ReturnType<Engine["open"]>>, "name" | "device">>;

/** The real engine, and what it trained; `onStep` is told after each step, `device` names another one. */
function recordingEngine(onStep: (step: number) => void = () => {}, device: Opening = {}) {
  const tasks: TrainingTask[] = [];
  const results: TrainingResult[] = [];
  const steps: number[] = [];
  const engine: Engine = {
    async open(prefer) {
      const open = await realEngine.open(prefer);
      const train: typeof open.train = async (task, options) => {
        tasks.push(task);
        const result = await open.train(task, {
          ...options,
          async onStep(report, take) {
            steps.push(report.step);
            onStep(report.step);
            await options.onStep?.(report, take);
          },
        });
        results.push(result);
        return result;
      };
      return { ...open, ...device, train };
    },
  };
  return { engine, tasks, results, steps };
}

/** A piece that is paused from `step` on, and whose page is closed then; where it stood still. */
async function leavePiece(world: World, step: number): Promise<number> {
  const left = recordingEngine((at) => {
    if (at === step) void stage.volunteer.pause();
  });
  const stage = await openStage({ ...world, engine: left.engine });
  await stage.start(1);
  const { step: still } = await stage.until(({ reason }) => /came to rest/.test(reason ?? ""));
  await stage.volunteer.stop();
  expect((await stage.volunteer.ended()).kept?.step).toBe(still);
  await stage.store.close();
  return still;
}

/** Come back to the piece: what is told while it trains, and what was trained. */
async function comeBack(world: World, device: Opening = {}) {
  const back = recordingEngine(() => {}, device);
  const stage = await openStage({ ...world, engine: back.engine });
  const begins = stage.until(({ phase }) => phase === "training");
  await stage.start(1);
  const { reason } = await begins;
  await stage.volunteer.ended();
  return { ...back, stage, reason };
}

test("a piece that was left is told before anything runs, with the end of its ticket, and no more once it is done", async () => {
  const world = await scene();
  const still = await leavePiece(world, 3);
  const kept = { model: "tiny", step: still, steps: STEPS, endsAtMs: expect.any(Number) };
  const { engine } = recordingEngine();
  const stage = await openStage({ ...world, engine });
  expect(await stage.volunteer.ended()).toMatchObject({ phase: "ready", kept }); // nothing runs yet
  const begun = await decodeBegunPiece((await stage.store.begun())!);
  expect(await tellKept(stage.store)).toEqual({ ...kept, endsAtMs: begun.endsAtMs });
  await stage.start(1);
  expect(await stage.volunteer.ended()).toMatchObject({ phase: "ready", kept: null });
  const bytes = Uint8Array.of(1, 2, 3);
  await stage.store.putBegun(bytes);
  expect(await tellKept(stage.store)).toBeNull(); // damaged
});

const random = createRandom("going on");
test.each([STEPS - 1, ...Array.from({ length: 3 }, () => 1 + random.below(STEPS / 2))])(
  "a piece that was paused at step %d goes on after a restart, and gives the bytes of one that nothing interrupted",
  async (step) => {
    const world = await scene();
    const still = await leavePiece(world, step);
    const { steps, tasks, results, reason, stage } = await comeBack(world);
    expect(steps).toEqual(Array.from({ length: STEPS - still }, (_, i) => still + 1 + i));
    expect(reason).toBe(`It goes on at step ${still} of ${STEPS}, where it was left.`);
    const engine = await realEngine.open("cpu");
    const unbroken = await engine.train(tasks[0]!, {});
    expect(results[0]).toEqual(unbroken);
    expect(world.relay.asked.filter((path) => path.endsWith("/tickets"))).toHaveLength(1);
    expect(world.relay.received.size).toBe(1);
    expect(await stage.store.begun()).toBeNull();
  },
);

test("a page that ends without a pause loses what it trained since the last ten seconds", async () => {
  const world = await scene();
  const left = recordingEngine((step) => {
    if (step === 16) void stage.volunteer.stop();
  });
  const slow: Engine = {
    async open(prefer) {
      const open = await left.engine.open(prefer);
      let clock = 0;
      const train: typeof open.train = (task, options) =>
        open.train(task, {
          ...options,
          now: () => (clock += 1000), // a step a reading, and a snapshot after five
          async onStep(report, take) {
            await options.onStep?.(report, take);
            await world.platform.sleep(2000);
          },
        });
      return { ...open, train };
    },
  };
  const stage = await openStage({ ...world, engine: slow });
  await stage.start(1);
  await stage.volunteer.ended();
  await stage.store.close();
  const { steps } = await comeBack(world);
  expect(steps[0]).toBeGreaterThan(5);
  expect(steps[0]).toBeLessThanOrEqual(17);
  expect(world.relay.received.size).toBe(1);
});

test("a piece whose page ended when it was finished is sent, and not trained again", async () => {
  const world = await scene();
  const left = recordingEngine((step) => {
    if (step === 5) void stage.volunteer.pause();
  });
  const wrapStore = (store: Store): Store => ({
    ...store,
    async putOutbox(entry) {
      await store.putOutbox(entry);
      void stage.volunteer.stop();
    },
    deleteBegun: async () => {}, // the page is gone
  });
  const stage = await openStage({ ...world, engine: left.engine, wrapStore });
  await stage.start(1);
  await stage.until(({ reason }) => /came to rest/.test(reason ?? ""));
  await stage.volunteer.resume();
  await stage.volunteer.ended();
  expect((await stage.store.outbox()).length).toBe(1);
  expect(await stage.store.begun()).not.toBeNull();
  await stage.store.close();
  const { steps, reason } = await comeBack(world);
  expect(reason).toBeNull();
  expect(steps).toHaveLength(STEPS); // of another piece
  expect(world.relay.received.size).toBe(2);
});

test("that a piece goes on where it was left is not said again after the device was lost", async () => {
  const world = await scene();
  await leavePiece(world, 5);
  const told: (string | null)[] = [];
  let opened = 0;
  const engine: Engine = {
    async open(prefer) {
      const open = await realEngine.open(prefer);
      const isLost = opened++ === 0;
      const train: typeof open.train = async (task, options) => {
        told.push((await stage.until(({ phase }) => phase === "training")).reason);
        if (isLost) throw Object.assign(new Error("gone"), { name: "DeviceLostError" });
        return open.train(task, options);
      };
      return { ...open, train };
    },
  };
  const stage = await openStage({ ...world, engine });
  await stage.start(1);
  await stage.volunteer.ended();
  expect(told).toEqual([`It goes on at step 10 of ${STEPS}, where it was left.`, null]);
  expect(world.relay.received.size).toBe(1);
});

/** That what was left is not gone on with: a piece of its own is begun, and the page says why. */
async function expectAnotherPiece(world: World, why: RegExp, device: Opening = {}): Promise<void> {
  const { steps, reason, stage } = await comeBack(world, device);
  expect(reason).toMatch(why);
  expect(steps).toHaveLength(STEPS);
  expect(world.relay.received.size).toBe(1);
  expect(await stage.store.begun()).toBeNull();
}

test("a piece whose ticket ran out meanwhile is given up, and the page says so", async () => {
  const world = await scene();
  await leavePiece(world, 5);
  await world.platform.sleep(world.relay.faults.ticketMs);
  await expectAnotherPiece(world, /The time for the piece .* is over/);
});

test("a piece that was trained on another device is given up, and the page says so", async () => {
  const world = await scene();
  await leavePiece(world, 5);
  await expectAnotherPiece(world, /on another part of this device/, { device: "another" });
});

test.each([
  ["damaged", /is damaged/, (bytes: Uint8Array<ArrayBuffer>) => bytes.fill(0, 100, 101)],
  ["cut short", /is damaged/, (bytes: Uint8Array<ArrayBuffer>) => bytes.slice(0, 50)],
  ["empty", /is damaged/, () => new Uint8Array(0)],
])("a kept piece that is %s is given up, and the page says so", async (_, why, change) => {
  const world = await scene();
  await leavePiece(world, 5);
  const { store } = await openStage(world);
  await store.putBegun(change((await store.begun())!));
  await expectAnotherPiece(world, why);
});

test.each([
  ["of another model", { model: "other" }],
  ["of another key", { contributor: "ab".repeat(32) }],
  ["with a ticket that the relay did not sign", { seed: 99 }],
])("a kept piece %s is given up, and the page says so", async (_, change) => {
  const world = await scene();
  await leavePiece(world, 5);
  const { store } = await openStage(world);
  const piece = await decodeBegunPiece((await store.begun())!);
  await store.putBegun(
    await encodeBegunPiece({ ...piece, ticket: { ...piece.ticket, ...change } }),
  );
  await expectAnotherPiece(world, /of another model, relay or key/);
});

test("a kept mask that is not ascending is damaged", async () => {
  const world = await scene();
  await leavePiece(world, 5);
  const { store } = await openStage(world);
  const piece = await decodeBegunPiece((await store.begun())!);
  await store.putBegun(
    await encodeBegunPiece({ ...piece, positions: piece.positions.toReversed() }),
  );
  await expectAnotherPiece(world, /is damaged/);
});
