import { expect, test } from "vitest";
import { isBehind } from "./pace.ts";

test.each([
  [0, 2000, false],
  [0, 2002, true],
  [2_700_000, 5000, true],
  [2_800_000, 5000, false],
])(
  "X6: at 1,000 bytes a ms over HTTP, %d bytes after %d ms are behind: %s",
  (doneBytes, elapsedMs, behind) => {
    expect(isBehind({ doneBytes, elapsedMs, httpRate: 1000 })).toBe(behind);
  },
);
