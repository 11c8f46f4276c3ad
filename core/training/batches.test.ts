import * as fc from "fast-check";
import { expect, test } from "vitest";
import { inOrder, seededBatches } from "./batches.ts";

function take(seed: number, examples: number, batch: number, batches: number): number[][] {
  const generator = seededBatches(seed, examples, batch);
  return Array.from({ length: batches }, () => [...generator.next().value]);
}

test("T8: every round holds each example once, whatever the batch", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xffffffff }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 70 }),
      (seed, examples, batch) => {
        const drawn = take(seed, examples, batch, Math.ceil((2 * examples) / batch)).flat();
        for (const start of [0, examples]) {
          const round = drawn.slice(start, start + examples).sort((a, b) => a - b);
          expect(round).toEqual(Array.from({ length: examples }, (_, index) => index));
        }
      },
    ),
  );
});

test("T8: golden batches", () => {
  expect(take(1, 7, 5, 3)).toEqual([
    [0, 5, 1, 4, 3],
    [2, 6, 2, 3, 5],
    [6, 1, 0, 4, 3],
  ]);
});

test("batches in order hold each index once, the last one what is left", () => {
  expect([...inOrder(5, 2)].map((indices) => [...indices])).toEqual([[0, 1], [2, 3], [4]]);
});
