import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeHex, encodeHex } from "./hex.ts";

test("bytes survive hexadecimal", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(decodeHex(encodeHex(bytes))).toEqual(bytes);
    }),
  );
  expect(encodeHex(Uint8Array.of(0, 15, 16, 255))).toBe("000f10ff");
});

test("upper case, half bytes and other characters are refused", () => {
  for (const text of ["0", "AB", "0x", "0g", " 0", "0\n"]) {
    expect(() => decodeHex(text)).toThrow(expect.objectContaining({ name: "FormatError" }));
  }
});
