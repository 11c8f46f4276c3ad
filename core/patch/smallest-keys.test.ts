import fc from "fast-check";
import { expect, test } from "vitest";
import { createSmallestKeys } from "./smallest-keys.ts";

const keys = fc.array(fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(3)), {
  maxLength: 800,
});
const ascending = (values: readonly number[]) => values.toSorted((a, b) => a - b);

test("of any keys the smallest are kept, and the others dropped, each once", () => {
  fc.assert(
    fc.property(keys, fc.nat(100), (all, capacity) => {
      const dropped: number[] = [];
      const kept: number[] = [];
      const smallest = createSmallestKeys(capacity, (_, position) => dropped.push(position));
      for (const [position, key] of all.entries()) smallest.add(key, position);
      smallest.drain((key, position) => {
        expect(key).toBe(all[position]);
        kept.push(position);
      });
      const keyOf = (position: number) => all[position]!;
      expect(ascending(kept.map(keyOf))).toEqual(ascending(all).slice(0, capacity));
      expect(ascending([...kept, ...dropped])).toEqual(all.map((_, i) => i));
    }),
  );
});

test("a key at the limit or above is not among the smallest", () => {
  const smallest = createSmallestKeys(3);
  for (let key = 0; key < 500; key++) smallest.add(key, key);
  expect(smallest.limit()).toBe(2);
  const kept: number[] = [];
  smallest.drain((_, position) => kept.push(position));
  expect(ascending(kept)).toEqual([0, 1, 2]);
  expect(smallest.limit()).toBe(Number.POSITIVE_INFINITY);
});
