import { expect, test } from "vitest";
import { GPT2_SMALL, SMOLLM2_135M } from "../../tests/fixtures/known-transformers.ts";
import { modelOf } from "./registry.ts";
import { MAX_BINDING_BYTES, rowBlocks } from "./row-blocks.ts";

test("blocks hold every row once and never more than the most, at least one", () => {
  for (const rows of [1, 2, 7, 257]) {
    for (const most of [0, 1, 3, 7, 128, 600]) {
      const blocks = rowBlocks(rows, most);
      let end = 0;
      for (const { first, count } of blocks) {
        expect(first).toBe(end);
        expect(count).toBeLessThanOrEqual(Math.max(1, most));
        end += count;
      }
      expect(end).toBe(rows);
    }
  }
});

test("of GPT-2 and SmolLM2 no tensor is larger than every device's binding, and GPT-2's table lies in two blocks", () => {
  for (const architecture of [GPT2_SMALL, SMOLLM2_135M]) {
    const { shapes, blocksOf } = modelOf(architecture);
    for (const tensor of shapes) {
      const length = tensor.shape.slice(1).reduce((size, side) => size * side, 4);
      for (const { count } of blocksOf(tensor)) {
        expect(count * length, tensor.name).toBeLessThanOrEqual(MAX_BINDING_BYTES);
      }
    }
  }
  const { shapes, blocksOf } = modelOf(GPT2_SMALL);
  const table = shapes.find(({ name }) => name === "wte.weight")!;
  expect(blocksOf(table).map(({ count }) => count)).toEqual([25_129, 25_128]);
  const squares = blocksOf(table, 2 * 1024); // of a window, tied
  expect(squares.length).toBe(4);
});
