import { expect, test } from "vitest";
import { describeInterval, formatInterval, intervalOf } from "./interval.ts";

test("the interval of five values is t(4) standard errors each way", () => {
  const { mean, half } = intervalOf([1, 2, 3, 4, 5]);
  expect(mean).toBe(3);
  expect(half).toBeCloseTo(2.776 * Math.sqrt(2.5 / 5), 3);
});

test("one value has no interval, and none is printed", () => {
  expect(formatInterval(intervalOf([2]), 1)).toBe("2.0");
  expect(describeInterval(intervalOf([2]), 1)).toBe("one seed");
  expect(formatInterval(intervalOf([2, 2]), 1)).toBe("2.0 ± 0.0");
  expect(describeInterval(intervalOf([2, 2]), 1)).toBe("95% interval ± 0.0, 2 seeds");
});
