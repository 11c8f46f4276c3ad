import { expect, test } from "vitest";
import { createEventQueue } from "./event-queue.ts";

test("events come in the order of their times, and those of one time in the order they were pushed", () => {
  const queue = createEventQueue<string>();
  for (const [at, event] of [
    [2, "b"],
    [1, "a"],
    [3, "e"],
    [2, "c"],
    [2, "d"],
  ] as const) {
    queue.push(at, event);
  }
  const popped = Array.from({ length: 5 }, () => queue.pop()?.event);
  expect(popped).toEqual(["a", "b", "c", "d", "e"]);
  expect(queue.pop()).toBeNull();
});
