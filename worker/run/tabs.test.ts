import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import {
  closeScenes,
  openScenes,
  openStage,
  scene,
  watchedEngine,
} from "../../tests/fixtures/volunteer-stage.ts";
import { channelTabs } from "./tabs.ts";
import type { TrainingLock } from "./training-lock.ts";

beforeAll(openScenes);
afterAll(closeScenes);
const channels: BroadcastChannel[] = [];
afterEach(() => {
  for (const channel of channels.splice(0)) channel.close();
});

function openTabs() {
  const channel = new BroadcastChannel("commonweight");
  channels.push(channel);
  return channelTabs(channel);
}

/** A lock that two tabs share; `log` hears when it is held. */
function sharedLock(log: string[]): TrainingLock {
  let last: Promise<unknown> = Promise.resolve();
  return {
    hold(work, { signal }) {
      const turn = last.then(async () => {
        signal.throwIfAborted();
        log.push("held");
        try {
          return await work();
        } finally {
          log.push("free");
        }
      });
      last = turn.catch(() => {});
      return turn;
    },
  };
}

test("forgetting the device stops the tab that trains, and nothing is kept with the deleted key", async () => {
  const log: string[] = [];
  const world = { ...(await scene()), lock: sharedLock(log) };
  const training = Promise.withResolvers<void>();
  const engine = watchedEngine((step) => step === 5 && training.resolve());
  const one = await openStage({ ...world, engine, tabs: openTabs(), staysOpen: true });
  const other = await openStage({
    ...world,
    platform: { ...world.platform, sleep: () => new Promise(() => {}) },
    tabs: openTabs(),
    wrapStore: (store) => ({
      ...store,
      async forget() {
        log.push("forgotten");
        await store.forget();
      },
    }),
  });
  await one.start();
  await training.promise;
  const told = one.until(({ phase, contributor }) => phase === "ready" && contributor === null);
  await other.volunteer.forget();
  expect(log).toEqual(["held", "free", "held", "forgotten", "free"]);
  expect(await told).toMatchObject({ pieces: [], underway: false });
  await one.volunteer.ended();
  expect(await one.store.keyPair()).toBeNull();
  expect(await one.store.pieces()).toEqual([]);
});

test("what another tab left is told at its end, and no more once a tab is done with it or forgets it", async () => {
  const world = await scene();
  const idle = await openStage({ ...world, tabs: openTabs() });
  const told = (kept: object | null) =>
    idle.until((snapshot) => (snapshot.kept === null) === (kept === null));
  const engine = watchedEngine((step) => {
    if (step === 5) void busy.volunteer.pause();
  });
  const busy = await openStage({ ...world, engine, tabs: openTabs() });
  async function leave() {
    const left = told({});
    await busy.start(1);
    await busy.until(({ reason }) => /came to rest/.test(reason ?? ""));
    await busy.volunteer.stop();
    return left;
  }
  expect(await leave()).toMatchObject({ phase: "ready", kept: { model: "tiny", step: 10 } });
  const done = told(null);
  await busy.start(1);
  await done;
  await leave();
  const forgotten = told(null);
  await busy.volunteer.forget();
  await forgotten;
});

test("a tab that sleeps with the lock keeps nothing from being forgotten", async () => {
  const { volunteer, store } = await openStage({
    ...(await scene()),
    lock: {
      hold: (_work, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        }),
    },
  });
  await store.createKeyPair();
  await volunteer.forget();
  expect(await store.keyPair()).toBeNull();
});
