import { expect, test } from "vitest";
import { cleanName } from "./contributor-name.ts";

const kept = (text: string) => {
  const outcome = cleanName(text);
  return outcome.ok ? outcome.name : null;
};

test("H42: names of everyday scripts are kept as they are, composed and trimmed", () => {
  for (const name of [
    "Ada L.",
    "Zoë",
    "Łukasz-2",
    "Юлия",
    "Ελένη",
    "דנה",
    "سلمى",
    "अंजलि",
    "ไพลิน",
  ]) {
    expect(kept(name)).toBe(name.normalize("NFKC"));
  }
  for (const name of ["東京タワーx", "민준 Kim", "ラーメン"]) expect(kept(name)).toBe(name);
  expect(kept("  Zoe\u0308   K ")).toBe("Zoë K");
  expect(kept("Ａｄａ")).toBe("Ada");
});

test("H42: what nobody sees, what turns the text, and what is no letter is no name", () => {
  for (const sign of [
    "\u0000",
    "\n",
    "\t",
    "\u200b",
    "\u200d",
    "\u202e",
    "\u2066",
    "\ufeff",
    "\u3164",
  ]) {
    expect(kept(`a${sign}b`)).toBeNull();
  }
  for (const name of ["", "   ", "7", "...", "<b>", "a/b", "a@b", "😀", "✓ relay", "\ud800a"]) {
    expect(kept(name)).toBeNull();
  }
});

test("H42: letters of scripts that only look alike are not mixed, and marks are not heaped", () => {
  for (const name of ["p\u0430ypal", "Αda", "Bоb", "a\u0585b", "\u{10330}b"]) {
    expect(kept(name)).toBeNull();
  }
  expect(kept("e\u0301\u0302\u0303")).toBeNull();
  expect(kept("\u0301e")).toBeNull();
});

test("H42: a name has at most 32 letters, and what is typed is bounded before it is looked at", () => {
  expect(kept("x".repeat(32))).toHaveLength(32);
  expect(kept("x".repeat(33))).toBeNull();
  expect(kept(`a${" ".repeat(1_000_000)}b`)).toBeNull();
});
