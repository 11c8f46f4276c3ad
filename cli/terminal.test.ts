import { styleText } from "node:util";
import { expect, test } from "vitest";
import { harmless } from "./terminal.ts";

test("strangers' words cannot move a terminal's cursor or turn its text, and colours stay", () => {
  const forged = "ben\r\u001b[2Kmargin 9\u001b]0;title\u0007\u009b1A\u202erof";
  expect(harmless(forged)).toBe("ben[2Kmargin 9]0;title1Arof");
  const line = styleText("green", "passed", { validateStream: false });
  expect(harmless(`${line}\n\tnext`)).toBe(`${line}\n\tnext`);
});
