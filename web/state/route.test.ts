import { expect, test } from "vitest";
import { parseRoute, routeHash } from "./route.svelte.ts";

test("an address that a link made is read back", () => {
  for (const [view, model, version] of [
    ["history", "digits", 12],
    ["try", "digits", 0],
    ["leaderboard", "digits", undefined],
    ["health", null, undefined],
    ["contribute", null, undefined],
  ] as const) {
    expect(parseRoute(routeHash(view, model, version))).toEqual({
      view,
      model,
      version: version ?? null,
    });
  }
});

test("a mistyped address leads to the first page", () => {
  expect(parseRoute("#/nowhere/../%00/x")).toEqual({
    view: "contribute",
    model: null,
    version: null,
  });
});
