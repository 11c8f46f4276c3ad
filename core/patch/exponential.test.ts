import { expect, test } from "vitest";
import { createRandom } from "../random.ts";
import { exponentialBelow } from "./exponential.ts";

const DRAWS = 200_000;

test("draws are exponential: every tenth of the distribution gets a tenth of them", () => {
  const random = createRandom("exponential");
  const tenths = new Array<number>(10).fill(0);
  for (let i = 0; i < DRAWS; i++) {
    const value = exponentialBelow(random, Number.POSITIVE_INFINITY);
    tenths[Math.floor(10 * (1 - Math.exp(-value)))]!++;
  }
  const expected = DRAWS / 10;
  const chiSquared = tenths.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
  expect(chiSquared).toBeLessThan(27.9); // 1 in 1,000 by chance, with 9 degrees of freedom; the seed is fixed
});

test.each([0.01, 0.5, 1, 2.5])(
  "below a bound of %s come as many as should, and nothing else",
  (bound) => {
    const random = createRandom(`below ${bound}`);
    let below = 0;
    let [least, most] = [bound, 0];
    for (let i = 0; i < DRAWS; i++) {
      const value = exponentialBelow(random, bound);
      if (value === Number.POSITIVE_INFINITY) continue;
      least = Math.min(least, value);
      most = Math.max(most, value);
      below++;
    }
    expect(least).toBeGreaterThan(0);
    expect(most).toBeLessThan(bound);
    const share = 1 - Math.exp(-bound);
    const deviation = Math.sqrt(share * (1 - share) * DRAWS);
    expect(Math.abs(below - share * DRAWS)).toBeLessThan(4 * deviation);
  },
);

test("nothing is below 0", () => {
  expect(exponentialBelow(createRandom(1), 0)).toBe(Number.POSITIVE_INFINITY);
});
