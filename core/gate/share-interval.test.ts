import { expect, test } from "vitest";
import { shareInterval } from "./share-interval.ts";

test("the interval of a share is Wilson's, and never leaves 0 to 1", () => {
  const { low, high } = shareInterval({ accuracy: 0.8, examples: 100 }); // 80 of 100: 0.7112 to 0.8666
  expect(low).toBeCloseTo(0.7112, 4);
  expect(high).toBeCloseTo(0.8666, 4);
  expect(shareInterval({ accuracy: 0, examples: 10 })).toMatchObject({ low: 0 });
  expect(shareInterval({ accuracy: 1, examples: 10 })).toMatchObject({ high: 1 });
});

test("more examples leave less to chance", () => {
  const width = (examples: number) => {
    const { low, high } = shareInterval({ accuracy: 0.9, examples });
    return high - low;
  };
  expect(width(10_000)).toBeLessThan(width(100) / 9);
});
