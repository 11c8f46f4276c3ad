import { expect, test } from "vitest";
import type { Snapshot } from "../api.ts";
import { createSnapshotFeed, isProcessorBusy, READY } from "./snapshot-feed.ts";

/** A feed on a clock that moves when `pass` is called. */
function feedOnClock() {
  let clock = 0;
  let sleepers: { at: number; wake: () => void }[] = [];
  const told: Snapshot[] = [];
  const feed = createSnapshotFeed(
    {
      steadyMs: () => clock,
      sleep: (ms) => new Promise((wake) => sleepers.push({ at: clock + ms, wake })),
    },
    (snapshot) => told.push(snapshot),
  );
  async function pass(ms: number): Promise<void> {
    clock += ms;
    const due = sleepers.filter(({ at }) => at <= clock);
    sleepers = sleepers.filter(({ at }) => at > clock);
    for (const { wake } of due) wake();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { feed, told, pass };
}

test("changes are told ten times a second at most, and the last one always", async () => {
  const { feed, told, pass } = feedOnClock();
  feed.enter("training");
  await pass(0);
  for (let step = 1; step <= 50; step++) feed.set({ step });
  await pass(50);
  expect(told).toHaveLength(1);
  await pass(50);
  expect(told.map(({ step }) => step)).toEqual([0, 50]);
});

test("a pause covers what is done, and gives it back as it is by then", async () => {
  const { feed, told, pass } = feedOnClock();
  feed.enter("downloading");
  feed.setPaused(true);
  feed.enter("offline", "away");
  await pass(0);
  expect(told.at(-1)?.phase).toBe("paused");
  feed.setPaused(false);
  await pass(100);
  expect(told.at(-1)).toMatchObject({ phase: "offline", reason: "away" });
});

test("a pause promises of what lies under it what holds: a piece is kept, a judgement waits a minute, nothing is not kept", async () => {
  const { feed, told, pass } = feedOnClock();
  const shown = async () => {
    await pass(100);
    return told.at(-1)?.reason;
  };
  feed.enter("asking");
  feed.setPaused(true);
  expect(await shown()).toBe("You paused it.");
  feed.set({ underway: true });
  const kept =
    "The running piece is kept as long as this page is open, and goes on where it stopped.";
  expect(await shown()).toBe(`You paused it. ${kept}`);
  feed.set({ underway: false });
  feed.enter("judging");
  feed.setDrained({ afterMs: 250, isKept: false });
  expect(await shown()).toBe(
    "You paused it. The relay waits a minute for what it judges, and then gives it to somebody else. The device came to rest after 0.3 s.",
  );
});

test("a phase without a reason shows none of the phase before", async () => {
  const { feed, told, pass } = feedOnClock();
  feed.enter("offline", "away");
  feed.enter("asking");
  await pass(0);
  expect(told.at(-1)).toMatchObject({ phase: "asking", reason: null });
});

test("what is forgotten while something is done leaves what, for which model and at what power", async () => {
  const { feed, told, pass } = feedOnClock();
  feed.set({ contributor: "a key", model: "tiny", base: 3, power: 0.5 });
  feed.enter("other-tab", "away");
  feed.clear();
  await pass(0);
  const kept = { phase: "other-tab", reason: "away", model: "tiny", power: 0.5 };
  expect(told.at(-1)).toMatchObject({ ...kept, contributor: null, base: null });
});

test.each([
  ["trains on the processor", "training", "wasm", true],
  ["trains without WebAssembly", "training", "cpu", true],
  ["trains on a graphics device", "training", "webgpu", false],
  ["judges on the processor", "judging", "wasm", true],
  ["judges on a graphics device", "judging", "webgpu", false],
  ["is paused", "paused", "wasm", false],
  ["downloads", "downloading", "wasm", false],
] as const)("X7: a volunteer that %s needs the processor, or not", (_, phase, engine, needs) => {
  expect(isProcessorBusy({ ...READY, phase, engine })).toBe(needs);
});
