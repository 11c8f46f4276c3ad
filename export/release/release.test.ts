import { expect, test } from "vitest";
import { shardsBefore } from "./release.ts";

test("a release names the shards that its work may have trained on, whatever came since", () => {
  const shards = ["a", "b", "c", "d", "e"];
  const data = { source: "more.csv", licence: "CC0-1.0", examples: 9 };
  const later = [
    { ...data, since: 2, first: 3 },
    { ...data, since: 4, first: 4 },
  ];
  expect(shardsBefore(shards, [], 4)).toEqual(shards);
  expect(shardsBefore(shards, later, 2)).toEqual(["a", "b", "c"]);
  expect(shardsBefore(shards, later, 3)).toEqual(["a", "b", "c", "d"]);
  expect(shardsBefore(shards, later, 5)).toEqual(shards);
});
