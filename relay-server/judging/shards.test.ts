import { expect, test } from "vitest";
import { tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import type { ShardRow } from "../store/tables.ts";
import { chooseShards } from "./shards.ts";

/** Six shards, of which every third is to replay, handed out 5, 4, 3, 2, 1 and 0 times. */
const shards: ShardRow[] = [0, 1, 2, 3, 4, 5].map((position) => ({
  model: "tiny",
  position,
  sha256: "",
  size_bytes: 1,
  examples: 1,
  title: `shard ${position}`,
  assigned: 5 - position,
  trained: 0,
  replay: position % 3 === 0 ? 1 : 0,
}));
const data = { ...tinyRecipe.data, shardsPerTicket: 2, replayShardsPerTicket: 1 };
const order = { rank: ({ assigned }: ShardRow) => assigned, lot: () => 0 };
const positionsOf = (chosen: ShardRow[]) => chosen.map(({ position }) => position);

test("H5: the shards handed out least come first, those to replay beside the others, in ascending order", () => {
  expect(positionsOf(chooseShards(shards, data, order))).toEqual([3, 4, 5]);
});

test("a recipe that asks for none replays none", () => {
  expect(positionsOf(chooseShards(shards, tinyRecipe.data, order))).toEqual([4, 5]);
});

test("ties are broken by lot, and where there are fewer shards than asked for, there are fewer", () => {
  let next = 10;
  const byLot = { rank: () => 0, lot: () => next-- };
  expect(positionsOf(chooseShards(shards, data, byLot))).toEqual([3, 4, 5]); // the last lots are lowest
  expect(positionsOf(chooseShards(shards.slice(0, 2), data, order))).toEqual([0, 1]);
});
