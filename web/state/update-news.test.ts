import { expect, test } from "vitest";
import { describeUpdate } from "./update-news.ts";

test("an update is offered at once where nothing runs, and after the piece where one is under way", () => {
  expect(describeUpdate(false, false, "ready").button).toBe("Update");
  expect(describeUpdate(false, true, "training").button).toBe("Update when this piece is done");
});

test("an update that waits says what for, and how that goes on where it stands still", () => {
  expect(describeUpdate(true, true, "training")).toEqual({
    sentence: "The new version starts as soon as this piece is done.",
    button: null,
  });
  expect(describeUpdate(true, true, "paused").button).toBe("Resume");
  expect(describeUpdate(true, true, "paused").sentence).toMatch(/paused/);
  expect(describeUpdate(true, true, "offline").sentence).toMatch(/can't be reached/);
});
