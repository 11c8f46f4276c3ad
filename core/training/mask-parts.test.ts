import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createLayout } from "../tensors/layout.ts";
import { cutMask } from "./mask-parts.ts";

const layout = createLayout([
  { name: "a", shape: [3, 4] },
  { name: "b", shape: [5] },
  { name: "c", shape: [2, 2] },
]);

test("a mask is cut where tensors begin; tensors without an entry have no part", () => {
  const { positions, parts } = cutMask(layout, Uint32Array.of(0, 11, 17, 20));
  expect([...positions]).toEqual([0, 11, 0, 3]);
  expect([...parts]).toEqual([
    ["a", { start: 0, count: 2 }],
    ["c", { start: 2, count: 2 }],
  ]);
});

test("parts and local positions lead back to the mask", () => {
  const masks = fc.uniqueArray(fc.integer({ min: 0, max: layout.size - 1 }), { minLength: 1 });
  fc.assert(
    fc.property(masks, (unordered) => {
      const mask = Uint32Array.from(unordered).sort();
      const { positions, parts } = cutMask(layout, mask);
      const flat = layout.tensors.flatMap(({ name, offset }) => {
        const { start, count } = parts.get(name) ?? { start: 0, count: 0 };
        return [...positions.subarray(start, start + count)].map((at) => offset + at);
      });
      expect(flat).toEqual([...mask]);
    }),
  );
});

test("a position outside the layout is our bug", () => {
  expect(() => cutMask(layout, Uint32Array.of(21))).toThrow("position 21 ≥ size 21");
});
