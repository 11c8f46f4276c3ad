import { expect, test } from "vitest";
import { recordEngine } from "../../tests/fixtures/recorded-engine.ts";
import type { Phase, Snapshot } from "../../worker/api.ts";
import { READY } from "../../worker/run/snapshot-feed.ts";
import { createGuest, type GuestSurroundings } from "./guest.svelte.ts";
import { createPageVolunteer } from "./volunteer.svelte.ts";

const HOUR_MS = 3600_000;

class FakeBattery extends EventTarget {
  charging = true;
}
class FakePage extends EventTarget {
  visibilityState: DocumentVisibilityState = "visible";
}
class FakeLine extends EventTarget {
  saveData = false;
}

/** A volunteer that trains, with a guest in surroundings that the test turns. */
async function openGuest(change: Partial<GuestSurroundings> = {}) {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
  const calls: unknown[][] = [];
  const { api } = recordEngine(calls);
  let listener: (snapshot: Snapshot) => void = () => {};
  const volunteer = createPageVolunteer({
    openEngine: async (hear) => {
      listener = hear;
      return api;
    },
    storage,
    sharing: {
      openRoad: async () => new MessageChannel().port1,
      closeRoad: () => {},
      isMetered: () => false,
      onMetered: () => {},
    },
  });
  await volunteer.agree("digits");
  const battery = new FakeBattery();
  const page = new FakePage();
  const line = new FakeLine();
  const clock = { nowMs: 0 };
  let tick = () => {};
  const guest = createGuest(volunteer, {
    storage,
    now: () => clock.nowMs,
    every(_, work) {
      tick = work;
      return () => {};
    },
    battery: Promise.resolve(battery),
    line,
    page,
    wakeLock: null,
    ...change,
  });
  const tell = (phase: Phase, more: Partial<Snapshot> = {}) => {
    listener({ ...READY, model: "digits", phase, ...more });
    guest.look();
  };
  tell("training");
  await Promise.resolve(); // the battery has been told
  const told = () => calls.map(([name]) => name).filter((name) => name !== "start");
  const later = (ms: number) => {
    clock.nowMs += ms;
    tick();
  };
  const shared = () => calls.flatMap(([name, port]) => (name === "share" ? [port !== null] : []));
  return { guest, volunteer, battery, page, line, tell, told, shared, later };
}

test("work rests on the battery, says why, and goes on by itself once plugged in", async () => {
  const { guest, battery, tell, told } = await openGuest();
  battery.charging = false;
  battery.dispatchEvent(new Event("chargingchange"));
  await expect.poll(told).toEqual(["pause"]);
  tell("paused");
  expect(guest.reason).toMatch(/runs on its battery/);
  battery.charging = true;
  battery.dispatchEvent(new Event("chargingchange"));
  await expect.poll(told).toEqual(["pause", "resume"]);
  expect(guest.reason).toBeNull();
});

test("a rest ends by itself, and sooner where the user goes on; the next rest is a rest again", async () => {
  const { guest, tell, told, later } = await openGuest();
  guest.snooze(HOUR_MS);
  await expect.poll(told).toEqual(["pause"]);
  tell("paused");
  later(HOUR_MS);
  await expect.poll(told).toEqual(["pause", "resume"]);
  tell("training");
  guest.snooze(HOUR_MS);
  tell("paused");
  await guest.resume();
  tell("training");
  guest.snooze(HOUR_MS);
  await expect.poll(() => told().filter((name) => name === "pause")).toHaveLength(3);
});

test("work ends at the hour that was chosen, and going on takes the hour back", async () => {
  const { guest, tell, told, later } = await openGuest();
  guest.workUntil(HOUR_MS);
  later(HOUR_MS - 1);
  expect(told()).toEqual([]);
  later(1);
  await expect.poll(told).toEqual(["pause"]);
  tell("paused");
  expect(guest.reason).toMatch(/^You wanted work until/);
  await guest.resume();
  expect(guest.facts.workUntilMs).toBeNull();
  expect(told()).toEqual(["pause", "resume"]);
});

test("the day's budget holds work back until the next day, also what was chosen anew meanwhile", async () => {
  const { guest, volunteer, tell, told, later } = await openGuest();
  volunteer.setGuest({ dailyMegabytes: 1 });
  tell("downloading", { download: { doneBytes: 1_000_000, totalBytes: 1_000_000 } });
  await expect.poll(told).toEqual(["pause"]);
  tell("paused");
  expect(guest.reason).toMatch(/budget is used up/);
  later(48 * HOUR_MS);
  await expect.poll(told).toEqual(["pause", "resume"]);
});

test("another device chosen ends neither the hour that was chosen nor what was lifted", async () => {
  const { guest, volunteer, battery, tell, told, later } = await openGuest();
  battery.charging = false;
  battery.dispatchEvent(new Event("chargingchange"));
  tell("paused");
  await guest.resume();
  tell("training");
  guest.workUntil(HOUR_MS);
  const chosen = volunteer.setPrefer("cpu");
  tell("ready"); // the engine has stopped, and is to start again
  await chosen;
  tell("ready"); // and has not begun
  tell("training");
  expect(told()).toEqual(["pause", "resume", "stop"]);
  later(HOUR_MS);
  await expect.poll(told).toEqual(["pause", "resume", "stop", "pause"]);
});

test("another device chosen at rest stays at rest, and works once the rest is over", async () => {
  const { guest, volunteer, tell, told, later } = await openGuest();
  guest.snooze(HOUR_MS);
  tell("paused");
  const chosen = volunteer.setPrefer("cpu");
  tell("ready");
  await chosen;
  tell("paused");
  expect(guest.reason).toMatch(/^You gave this device a rest/);
  expect(told()).toEqual(["pause", "stop", "pause"]);
  later(HOUR_MS);
  await expect.poll(told).toEqual(["pause", "stop", "pause", "resume"]);
});

test("X8: nothing is passed on while a rule holds work back, also where the user paused it", async () => {
  const { guest, volunteer, tell, shared, later } = await openGuest();
  await volunteer.setSharing(true);
  expect(shared()).toEqual([true]);
  tell("paused");
  expect(shared()).toEqual([true]);
  guest.snooze(HOUR_MS);
  await expect.poll(shared).toEqual([true, false]);
  later(HOUR_MS);
  await expect.poll(shared).toEqual([true, false, true]);
});

test("who goes on in spite of a rule is left alone until that rule is changed", async () => {
  const { guest, volunteer, page, tell, told } = await openGuest();
  volunteer.setGuest({ visible: true });
  page.visibilityState = "hidden";
  page.dispatchEvent(new Event("visibilitychange"));
  await expect.poll(told).toEqual(["pause"]);
  tell("paused");
  await guest.resume();
  tell("training");
  expect(told()).toEqual(["pause", "resume"]);
  guest.obey({ dailyMegabytes: 300 });
  expect(told()).toEqual(["pause", "resume"]);
  guest.obey({ visible: true });
  await expect.poll(told).toEqual(["pause", "resume", "pause"]);
});

test("a browser that tells nothing of battery and line holds nothing back by them", async () => {
  const { guest, told } = await openGuest({ battery: Promise.resolve(null), line: null });
  expect(guest.facts).toMatchObject({ isPluggedIn: null, isMetered: null });
  expect(guest.canKeepScreen).toBe(false);
  expect(told()).toEqual([]);
});

test("the screen is kept on while it works and is looked at, if the user wants that", async () => {
  const asked: string[] = [];
  const makeLock = () => {
    const lock = {
      released: false,
      async release() {
        asked.push("release");
        lock.released = true;
      },
    };
    return lock as unknown as WakeLockSentinel; // of which the guest uses these two
  };
  const request = async () => {
    asked.push("request");
    return makeLock();
  };
  const { guest, volunteer, tell } = await openGuest({ wakeLock: { request } as WakeLock });
  expect(asked).toEqual([]);
  volunteer.setGuest({ awake: true });
  guest.obey({ awake: true });
  await expect.poll(() => asked).toEqual(["request"]);
  tell("training");
  expect(asked).toEqual(["request"]);
  tell("paused");
  await expect.poll(() => asked).toEqual(["request", "release"]);
});
