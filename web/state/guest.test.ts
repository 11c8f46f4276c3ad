import { expect, test } from "vitest";
import { FREE, type GuestFacts, guestStep, holdOf, liftHold } from "./guest.ts";
import { DEFAULT_RULES, type GuestRules, readRules } from "./guest-rules.ts";

const ALL: GuestRules = { ...DEFAULT_RULES, visible: true, dailyMegabytes: 10 };
const fine: GuestFacts = {
  nowMs: 1000,
  isPluggedIn: true,
  isMetered: false,
  isVisible: true,
  bytesToday: 0,
  snoozedUntilMs: null,
  workUntilMs: null,
};
const hold = (change: Partial<GuestFacts>, rules = ALL) =>
  holdOf(rules, { ...fine, ...change }, new Set());

test("each rule holds work back by its own fact, and nothing else does", () => {
  expect(hold({})).toBeNull();
  expect(hold({ snoozedUntilMs: 1001 })).toBe("snooze");
  expect(hold({ snoozedUntilMs: 1000 })).toBeNull();
  expect(hold({ workUntilMs: 1000 })).toBe("until");
  expect(hold({ workUntilMs: 1001 })).toBeNull();
  expect(hold({ isPluggedIn: false })).toBe("battery");
  expect(hold({ isMetered: true })).toBe("metered");
  expect(hold({ isVisible: false })).toBe("hidden");
  expect(hold({ bytesToday: 10_000_000 })).toBe("budget");
  const none = { pluggedIn: false, unmetered: false, visible: false, dailyMegabytes: null };
  const worst = { isPluggedIn: false, isMetered: true, isVisible: false, bytesToday: 1e12 };
  expect(hold(worst, { ...none, awake: false })).toBeNull();
});

test("what a browser does not tell holds nothing back", () => {
  expect(hold({ isPluggedIn: null, isMetered: null })).toBeNull();
});

test("of several reasons the first is told, and by default a background tab is none", () => {
  expect(hold({ isPluggedIn: false, snoozedUntilMs: 2000 })).toBe("snooze");
  expect(hold({ isPluggedIn: false, isMetered: true })).toBe("battery");
  expect(hold({ isVisible: false }, DEFAULT_RULES)).toBeNull();
});

test("work is paused once when something holds it back, and goes on when nothing does", () => {
  const held = guestStep(FREE, { hold: "battery", engagement: "working" });
  expect(held).toEqual({ state: { isHeld: true, lifted: new Set() }, command: "pause" });
  const waits = guestStep(held.state, { hold: "battery", engagement: "paused" });
  expect(waits).toEqual({ state: held.state, command: null });
  expect(guestStep(waits.state, { hold: "hidden", engagement: "paused" }).command).toBeNull();
  const goesOn = guestStep(waits.state, { hold: null, engagement: "paused" });
  expect(goesOn).toEqual({ state: FREE, command: "resume" });
});

test("what the user paused stays paused, whatever comes and goes", () => {
  const during = guestStep(FREE, { hold: "battery", engagement: "paused" });
  expect(during).toEqual({ state: FREE, command: null });
  expect(guestStep(during.state, { hold: null, engagement: "paused" }).command).toBeNull();
});

test("who goes on in spite of a reason is not asked again before the next start", () => {
  const { state } = guestStep(FREE, { hold: "battery", engagement: "working" });
  const lifted = liftHold(state, "battery");
  const facts = { ...fine, isPluggedIn: false };
  expect(holdOf(ALL, facts, lifted.lifted)).toBeNull();
  expect(holdOf(ALL, { ...facts, isMetered: true }, lifted.lifted)).toBe("metered");
  const ended = guestStep(lifted, { hold: null, engagement: "idle" });
  expect(holdOf(ALL, facts, ended.state.lifted)).toBe("battery");
});

test("rules come back as they were written, and damaged ones are the defaults", () => {
  expect(readRules(JSON.parse(JSON.stringify(ALL)))).toEqual(ALL);
  expect(readRules({ ...ALL, dailyMegabytes: null }).dailyMegabytes).toBeNull();
  for (const damaged of [null, 5, {}, { dailyMegabytes: -1, awake: 1, visible: "yes" }]) {
    expect(readRules(damaged)).toEqual(DEFAULT_RULES);
  }
});
