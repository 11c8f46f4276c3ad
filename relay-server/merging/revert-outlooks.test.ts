import { expect, test } from "vitest";
import { createRevertOutlooks } from "./revert-outlooks.ts";

const asked = { model: "tiny", contribution: "a".repeat(64) };

test("R1: what the relay failed to find out is told once, and tried again when it is asked about anew", () => {
  const outlooks = createRevertOutlooks();
  expect(outlooks.ask(asked, 3)).toEqual({ state: "working" });
  expect(outlooks.next("tiny")).toEqual(asked);
  outlooks.know(asked, 3, { state: "failed", message: "the database was away" });
  expect(outlooks.next("tiny")).toBeUndefined();
  expect(outlooks.ask(asked, 3)).toEqual({ state: "failed", message: "the database was away" });
  expect(outlooks.ask(asked, 3)).toEqual({ state: "working" });
  expect(outlooks.next("tiny")).toEqual(asked);
});
