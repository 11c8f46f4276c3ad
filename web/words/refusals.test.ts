import { expect, test } from "vitest";
import { refusalWords } from "./refusals.ts";

test("a known code is explained in plain words", () => {
  expect(refusalWords("harmful", "score +0.2")).toMatch(/made the model worse/);
});

test("an unknown code of a newer relay shows the relay's own words", () => {
  expect(refusalWords("too-blue", "patches must be green")).toBe("patches must be green");
  expect(refusalWords("toString", "not a code")).toBe("not a code");
});
