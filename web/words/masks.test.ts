import { expect, test } from "vitest";
import { describeMask } from "./masks.ts";

test("words: a mask is a number and a share of the parameters, and how they are chosen", () => {
  const seed = "0".repeat(32);
  expect(describeMask({ kind: "random", seed, count: 4070 }, 203_530)).toBe(
    "4,070 parameters (2%), chosen at random",
  );
  expect(describeMask({ kind: "own", count: 1018 }, 203_530)).toBe(
    "1,018 parameters (0.5%), chosen by each contributor for its data",
  );
});
