import { expect, test } from "vitest";
import { contributorHash, modelHash, parseRoute, routeHash } from "./route.svelte.ts";

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
      contributor: null,
    });
  }
});

test("a contributor's page is of a key, and of a model if the address names one", () => {
  const contributor = "ab".repeat(32);
  for (const model of ["digits", null]) {
    expect(parseRoute(contributorHash(contributor, model))).toEqual({
      view: "contributor",
      model,
      version: null,
      contributor,
    });
  }
  expect(parseRoute("#/contributor/AB/digits").view).toBe("contribute");
});

test("choosing another model stays on the page", () => {
  const contributor = "ab".repeat(32);
  const there = parseRoute(contributorHash(contributor, "digits"));
  expect(modelHash(there, "letters")).toBe(contributorHash(contributor, "letters"));
  expect(modelHash(parseRoute("#/history/digits/12"), "letters")).toBe("#/history/letters");
});

test("a mistyped address leads to the first page", () => {
  expect(parseRoute("#/nowhere/../%00/x")).toEqual({
    view: "contribute",
    model: null,
    version: null,
    contributor: null,
  });
});
