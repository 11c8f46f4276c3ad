import { expect, test } from "vitest";
import { bytesForGain } from "./pareto.ts";

const metrics = (accuracy: number) => ({ examples: 1, lossNats: 1, accuracy });
const point = (accuracy: number, bytesUp: number) => ({
  ...{ accuracy, lossNats: 1, bytesUp, bytesDown: bytesUp },
  bytesUpAtEntropy: bytesUp / 2,
});
const curve = {
  base: metrics(0.5),
  last: metrics(0.7),
  versions: [point(0.6, 100), point(0.7, 200)],
};

test("the bytes for a gain lie between those of the versions around it, for each volunteer, up and down", () => {
  expect(bytesForGain("digits", curve, 10, 2)).toBeCloseTo(100);
  expect(bytesForGain("digits", curve, 15, 2)).toBeCloseTo(150);
  expect(bytesForGain("digits", curve, 5, 1)).toBeCloseTo(100);
  expect(bytesForGain("digits", curve, 10, 1, true)).toBeCloseTo(150);
});

test("a gain that is never reached has no bytes", () => {
  expect(bytesForGain("digits", curve, 21, 1)).toBeNull();
});
