import { expect, test } from "vitest";
import { buildOf, engineCache, shellCache, unusedCaches } from "./builds.ts";

test("a build is named by the entry script of its shell", () => {
  const files = [
    { url: "index.html" },
    { url: "assets/index-a1.css" },
    { url: "assets/index-b2.js" },
  ];
  expect(buildOf(files, "https://relay.test/")).toBe("/assets/index-b2.js");
  expect(buildOf(files, "https://host.test/models/")).toBe("/models/assets/index-b2.js");
});

test("the files of an earlier build stay until no page runs it", () => {
  const names = ["a", "b", "c"].flatMap((build) => [shellCache(build), engineCache(build)]);
  expect(unusedCaches(names, ["build a", "training"], "c")).toEqual(["shell b", "engine b"]);
  expect(unusedCaches(names, [], "c")).toEqual(["shell a", "engine a", "shell b", "engine b"]);
});

test("caches that are not the page's are left alone", () => {
  expect(unusedCaches(["chunks", "shell"], [], "c")).toEqual([]);
});
