import { expect, test } from "vitest";
import { createRandom } from "../../core/random.ts";
import type { ShardRow } from "../store/tables.ts";
import { drawFisherExamples } from "./fisher-examples.ts";

function shardsOf(count: number, examples: number): ShardRow[] {
  return Array.from({ length: count }, (_, position) => ({
    model: "tiny",
    position,
    sha256: "",
    size_bytes: 1,
    examples,
    title: "",
    assigned: 0,
    trained: 0,
    replay: position % 5 === 4 ? 1 : 0,
  }));
}

test("M7: public examples are runs in many shards, none of the base's own domain, and follow from the seed", () => {
  const draw = () => drawFisherExamples(shardsOf(100, 50), 1024, createRandom("seed"));
  const runs = draw();
  expect(runs).toHaveLength(32);
  expect(new Set(runs.map(({ shard }) => shard.position)).size).toBe(32);
  for (const { shard, from, to } of runs) {
    expect(shard.replay).toBe(0);
    expect(to - from).toBe(32);
    expect(from >= 0 && to <= 50).toBe(true);
  }
  expect(draw()).toEqual(runs);
});

test("short shards give all that they have", () => {
  const runs = drawFisherExamples(shardsOf(4, 10), 1024, createRandom("seed"));
  expect(runs.map(({ from, to }) => [from, to])).toEqual(Array(4).fill([0, 10]));
});
