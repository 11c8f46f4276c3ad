import { expect, test } from "vitest";
import { createSetbacks } from "./setbacks.ts";

const LONG_AFTER_MS = 1_000_000;

test("who fails rests, for longer each time, and nobody waits behind it", () => {
  const setbacks = createSetbacks();
  setbacks.fail(["a"], new Error("no"), 0);
  expect(setbacks.resting(4999)).toEqual(["a"]);
  expect(setbacks.dueAt(0)).toBe(5000);
  expect(setbacks.resting(5000)).toEqual([]);
  setbacks.fail(["a"], new Error("no"), 5000);
  expect(setbacks.resting(19_999)).toEqual(["a"]);
  expect(setbacks.resting(20_000)).toEqual([]);
  for (let i = 0; i < 20; i++) setbacks.fail(["a"], new Error("no"), 20_000);
  expect(setbacks.dueAt(20_000)).toBe(320_000);
  expect(setbacks.resting(-LONG_AFTER_MS)).toEqual([]); // the clock was set back
});

test("a third failure sets aside, if other work was judged meanwhile", () => {
  const setbacks = createSetbacks();
  for (let i = 0; i < 5; i++) expect(setbacks.fail(["a"], new Error("no"), 0)).toBeNull();
  setbacks.succeed(["b"]);
  expect(setbacks.fail(["a"], new Error("NaN"), 0)).toEqual({ contribution: "a", error: "NaN" });
  expect(setbacks.problem()).toBeNull();
});

test("nobody is set aside for what the machine lacks", () => {
  const setbacks = createSetbacks();
  for (const code of ["EMFILE", "ENOSPC", "SQLITE_BUSY", "EIO"]) {
    setbacks.succeed(["b"]);
    const error = Object.assign(new Error(code), { code });
    expect(setbacks.fail(["a"], error, 0)).toBeNull();
    expect(setbacks.isSuspect("a")).toBe(false);
  }
  expect(setbacks.problem()).toContain("EIO");
});

test("of a cohort that fails twice each is merged by itself, and only who fails by itself is set aside", () => {
  const setbacks = createSetbacks();
  for (let i = 0; i < 2; i++) {
    expect(setbacks.fail(["a", "b"], new Error("no"), 0)).toBeNull();
  }
  expect([setbacks.isSuspect("a"), setbacks.isSuspect("b")]).toEqual([true, true]);
  setbacks.succeed(["b"]);
  expect(setbacks.isSuspect("b")).toBe(false);
  expect(setbacks.fail(["a"], new Error("no"), 0)?.contribution).toBe("a");
});
