import fc from "fast-check";
import { expect, test } from "vitest";
import type { Mask, RandomMask } from "../protocol/schemas/mask.ts";
import {
  encodeMaskNames,
  MOST_NAMED_MASKS,
  mergePositions,
  namedMasks,
  parseMaskNames,
  unionOfMasks,
} from "./named-masks.ts";

const random = (digit: number, count = 5): RandomMask => ({
  kind: "random",
  seed: `${digit}`.padStart(32, "0"),
  count,
});
const many = Array.from({ length: MOST_NAMED_MASKS }, (_, i) => random(i));

test("T5: masks are named once each in the order of their seeds, and read as they were written", () => {
  const masks = namedMasks([...many.toReversed(), random(3)]);
  expect(masks).toEqual(many);
  expect(parseMaskNames(encodeMaskNames(many), 5)).toEqual(many);
});

test("T5: no masks are named where one has positions of its own, or they are too many", () => {
  const shared: Mask = { kind: "shared", positions: "ab".repeat(32), count: 5 };
  expect(namedMasks([random(1), shared])).toBeNull();
  expect(namedMasks([random(1), { kind: "own", count: 5 }])).toBeNull();
  expect(namedMasks([...many, random(MOST_NAMED_MASKS)])).toBeNull();
  expect(namedMasks([])).toBeNull();
});

test("T5: the positions of several masks are each of theirs, once", () => {
  const lists = fc.uniqueArray(fc.nat(60)).map((list) => Uint32Array.from(list).toSorted());
  fc.assert(
    fc.property(lists, lists, (a, b) => {
      const both = Uint32Array.from(new Set([...a, ...b])).toSorted();
      expect(mergePositions(a, b)).toEqual(both);
    }),
  );
  const masks = [random(1, 40), random(2, 50), random(3, 60)];
  const each = masks.flatMap((mask) => [...unionOfMasks([mask], 100)]);
  expect(unionOfMasks(masks, 100)).toEqual(Uint32Array.from(new Set(each)).toSorted());
});

test("T5: masks of more positions together than there may be are refused before the next one is drawn", () => {
  const masks = [random(1, 40), random(2, 50), random(3, 101)];
  expect(() => unionOfMasks(masks, 100, 50)).toThrow("masks: over 50 positions together");
  expect(() => unionOfMasks(masks, 100, 100)).toThrow("mask: 101 positions of 100");
});
