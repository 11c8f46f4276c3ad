import fc from "fast-check";
import { expect, test } from "vitest";
import {
  addChunk,
  createBitfield,
  decodeBitfield,
  encodeBitfield,
  hasChunk,
  haveInCommon,
  otherChunks,
} from "./bitfield.ts";

const chunks = fc.integer({ min: 1, max: 100 });

test("W5: a bitfield says the chunks that were added, before its way and after", () => {
  fc.assert(
    fc.property(chunks, fc.array(fc.nat(99)), (count, added) => {
      const has = new Set(added.filter((index) => index < count));
      const bitfield = createBitfield(count);
      for (const index of has) addChunk(bitfield, index);
      const heard = decodeBitfield(encodeBitfield(bitfield), count);
      expect(heard).toEqual(bitfield);
      for (let i = 0; i < count; i++) expect(hasChunk(heard, i)).toBe(has.has(i));
    }),
  );
});

test("W5: chunks 0 and 9 of 12 are 8040", () => {
  const bitfield = createBitfield(12);
  for (const index of [0, 9]) addChunk(bitfield, index);
  expect(encodeBitfield(bitfield)).toBe("8040");
});

test.each([
  ["80", 12, "have: 2 digits for 12 chunks, not 4"],
  ["804000", 12, "have: 6 digits for 12 chunks, not 4"],
  ["8001", 12, "have: names a chunk after the last of 12"],
  ["0000", 12, "have: nothing is written as no digits"],
  ["80G0", 12, "hex: 4 characters that are not lower-case byte pairs"],
])("W5: %s is not what somebody has of %d chunks", (text, count, message) => {
  expect(() => decodeBitfield(text, count)).toThrow(message);
});

test("W6: what somebody lacks is all that they do not have, and nothing after the last chunk", () => {
  const lacks = (text: string) => encodeBitfield(otherChunks(decodeBitfield(text, 12), 12));
  expect([lacks("8040"), lacks("fff0"), lacks("")]).toEqual(["7fb0", "", "fff0"]);
});

test("W6: two have something in common if one chunk is in both", () => {
  const [all, some, rest, none] = ["ff", "18", "e7", ""].map((text) => decodeBitfield(text, 8));
  expect([
    haveInCommon(some!, all!),
    haveInCommon(some!, rest!),
    haveInCommon(all!, none!),
  ]).toEqual([true, false, false]);
});
