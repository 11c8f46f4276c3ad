import { expect, test } from "vitest";
import { createRateLimit } from "./rate-limit.ts";

test("a name has its minute's worth at once, then as much as time refills", () => {
  const limit = createRateLimit(2);
  expect([limit.take("a", 0), limit.take("a", 0), limit.take("a", 0)]).toEqual([0, 0, 30]);
  expect(limit.take("b", 0)).toBe(0);
  expect(limit.take("a", 30_000)).toBe(0);
  expect(limit.take("a", 30_000)).toBe(30);
});

test("what costs more is welcome later, and once all is there in any case", () => {
  const limit = createRateLimit(60);
  expect([limit.take("a", 0, 50), limit.take("a", 0, 50), limit.take("a", 40_000, 50)]).toEqual([
    0, 40, 0,
  ]);
  expect([limit.take("b", 0, 1000), limit.take("b", 0, 1)]).toEqual([0, 1]);
});

test("however many names come, those that asked much are remembered", () => {
  const limit = createRateLimit(10, 1000);
  for (let i = 0; i < 10; i++) limit.take("busy", 0);
  for (let i = 0; i < 20_000; i++) limit.take(`passing ${i}`, i / 1000); // one a microsecond
  expect(limit.take("busy", 20)).toBeGreaterThan(0);
});

test("names whose bucket is full again are forgotten first", () => {
  const limit = createRateLimit(10, 10);
  for (let i = 0; i < 10; i++) limit.take(`early ${i}`, 0);
  for (let i = 0; i < 10; i++) limit.take("late", 60_000);
  expect(limit.take("late", 60_000)).toBeGreaterThan(0);
});

test("H4: what another relay let through counts, as far as there is room", () => {
  const limit = createRateLimit(60);
  limit.spend("a", 0, 59);
  expect([limit.take("a", 0), limit.take("a", 0)]).toEqual([0, 1]);
  limit.spend("a", 0, 1000);
  expect(limit.take("a", 1000)).toBe(0);
});
