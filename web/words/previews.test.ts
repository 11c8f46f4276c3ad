import { expect, test } from "vitest";
import { previewWords } from "./previews.ts";

test("a preview says whether the model without a patch would pass, why not, and what it would lose", () => {
  const preview = { head: 7, contributions: 2, riseNats: 0.0123, objection: null };
  expect(previewWords(null)).toBe("The relay has not looked yet.");
  expect(previewWords(preview)).toBe("Would pass the test. Its loss would rise by 0.0123 nats.");
  expect(previewWords({ ...preview, riseNats: -0.5 })).toContain("fall by 0.5000 nats");
  expect(previewWords({ ...preview, riseNats: 0.00001 })).toContain("stay as it is");
  expect(previewWords({ ...preview, riseNats: null, objection: "a file is lost" })).toBe(
    "Would not pass: a file is lost.",
  );
});
