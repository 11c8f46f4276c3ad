import { expect, test } from "vitest";
import { createRateLimit } from "./rate-limit.ts";

test("a name has its minute's worth at once, then as much as time refills", () => {
  const limit = createRateLimit(2);
  expect([limit.take("a", 0), limit.take("a", 0), limit.take("a", 0)]).toEqual([0, 0, 30]);
  expect(limit.take("b", 0)).toBe(0);
  expect(limit.take("a", 30_000)).toBe(0);
  expect(limit.take("a", 30_000)).toBe(30);
});
