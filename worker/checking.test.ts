import { afterAll, beforeAll, expect, test } from "vitest";
import {
  closeScenes,
  openScenes,
  openStage,
  realEngine,
  scene,
} from "../tests/fixtures/volunteer-stage.ts";
import type { Engine } from "./engine.ts";

beforeAll(openScenes);
afterAll(closeScenes);

const forEver = new Promise<never>(() => {});

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
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  expect(checks).toBe(0);
  await volunteer.resume();
  await volunteer.ended();
  expect(checks).toBe(1);
});
