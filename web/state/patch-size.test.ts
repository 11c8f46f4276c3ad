import { expect, test } from "vitest";
import { estimatePatchBytes } from "./patch-size.ts";

test("consent: a patch on a mask of its own also says where it is", () => {
  const sizeOf = (kind: "random" | "own", density: number) =>
    estimatePatchBytes({ mask: { kind, density, epochVersions: 2 } }, 203_530);
  expect(sizeOf("random", 0.02)).toBe(3_188);
  expect(sizeOf("own", 0.02) / 6_514).toBeCloseTo(1, 1); // what patches of digits have, on average
  expect(sizeOf("own", 1)).toBe(sizeOf("random", 1));
});
