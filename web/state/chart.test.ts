import { expect, test } from "vitest";
import { layOut, niceTicks, paddedExtent } from "./chart.ts";

const box = { left: 10, top: 0, width: 100, height: 50 };

test("ticks are round numbers within the extent", () => {
  expect(niceTicks([0.883, 0.951], 4)).toEqual([0.9, 0.92, 0.94]);
  expect(niceTicks([0, 1], 4)).toEqual([0, 0.5, 1]);
  expect(niceTicks([-3, 12], 4)).toEqual([0, 5, 10]);
  expect(niceTicks([2, 2], 4)).toEqual([2]);
});

test("a flat series still has an extent to be drawn in", () => {
  const [low, high] = paddedExtent([0, 0]);
  expect(low).toBeLessThan(0);
  expect(high).toBeGreaterThan(0);
});

test("larger values are drawn higher and the last point ends at the right", () => {
  const { path, end } = layOut(
    [
      { x: 0, y: 0 },
      { x: 4, y: 1 },
    ],
    box,
  );
  expect(path).toBe("M10 45.8L110 4.2");
  expect(end).toEqual({ x: 110, y: expect.closeTo(4.1667, 3) });
});

test("no points make no line, one point makes no division by zero", () => {
  expect(layOut([], box)).toEqual({ path: "", ticks: [], end: null });
  expect(layOut([{ x: 3, y: 5 }], box).path).toBe("M10 25");
});
