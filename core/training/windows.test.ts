import { expect, test } from "vitest";
import type { GptArchitecture } from "../models/gpt-shapes.ts";
import { inOrder, splitWindows } from "./windows.ts";

const gpt: GptArchitecture = {
  kind: "gpt",
  vocabulary: 256,
  context: 2,
  layers: 1,
  channels: 2,
  heads: 1,
};

test("units of two windows become twice as many windows, each with its own last target", () => {
  const bytes = Uint8Array.of(0, 1, 2, 3, 4, 10, 11, 12, 13, 14);
  expect(splitWindows(gpt, { kind: "text", count: 2, length: 5, bytes })).toEqual({
    kind: "text",
    count: 4,
    length: 3,
    bytes: Uint8Array.of(0, 1, 2, 2, 3, 4, 10, 11, 12, 12, 13, 14),
  });
});

test("stretches of one window stay as they are", () => {
  const examples = { kind: "text", count: 2, length: 3, bytes: new Uint8Array(6) } as const;
  expect(splitWindows(gpt, examples)).toBe(examples);
});

test("batches in order hold each index once, the last one what is left", () => {
  expect([...inOrder(5, 2)].map((indices) => [...indices])).toEqual([[0, 1], [2, 3], [4]]);
});
