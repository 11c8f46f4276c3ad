import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeSafetensors } from "../tensors/safetensors.ts";
import {
  cutText,
  decodeTextExamples,
  encodeTextExamples,
  joinTextExamples,
  sampleText,
  sliceTextExamples,
  splitWindows,
} from "./text-examples.ts";

const architecture = {
  kind: "gpt",
  vocabulary: 256,
  context: 4,
  layers: 1,
  channels: 2,
  heads: 1,
} as const;
const text = (length: number) => Uint8Array.from({ length }, (_, i) => i);

test("a text file of examples decodes to what was encoded", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 5, maxLength: 300 }), (bytes) => {
      const examples = cutText(bytes, architecture.context);
      const decoded = decodeTextExamples("shard", encodeTextExamples(examples), architecture);
      expect(decoded).toEqual(examples);
    }),
  );
});

test("a cut text is predicted whole: every byte but the first is a target, the last ones perhaps twice", () => {
  const { count, length, bytes } = cutText(text(11), 4);
  expect({ count, length }).toEqual({ count: 3, length: 5 });
  expect([...bytes]).toEqual([0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 6, 7, 8, 9, 10]);
  expect(cutText(text(5), 4).count).toBe(1);
  expect(cutText(text(9), 4).count).toBe(2);
});

test("samples of a text are spread evenly and of whole windows", () => {
  const samples = sampleText(text(101), 2, { windows: 2, context: 4 });
  expect(samples).toMatchObject({ count: 2, length: 9 });
  expect([samples.bytes[0], samples.bytes[9]]).toEqual([23, 69]);
});

test("joined examples come in order, a slice of them are the same again", () => {
  const [first, second] = [cutText(text(9), 4), cutText(text(5), 4)];
  const joined = joinTextExamples([first, second]);
  expect(joined.count).toBe(3);
  expect(sliceTextExamples(joined, 0, 2)).toEqual(first);
  expect(sliceTextExamples(joined, 2, 3)).toEqual(second);
  const longer = sampleText(text(9), 1, { windows: 2, context: 4 });
  expect(() => joinTextExamples([first, longer])).toThrow("examples of 5 and of 9 bytes");
});

test.each([
  ["no examples", [0, 5], "shard: no examples"],
  [
    "a length that no whole windows have",
    [2, 7],
    "shard: 7 bytes an example, not 1 + windows of 4",
  ],
  ["less than a window", [2, 4], "shard: 4 bytes an example"],
  ["a single byte", [3, 1], "shard: 1 bytes an example"],
])("%s is refused", (_, shape, message) => {
  const bytes = new Uint8Array(shape[0]! * shape[1]!);
  const file = encodeSafetensors({
    tensors: [{ name: "bytes", dtype: "U8", shape, bytes }],
    metadata: {},
  });
  expect(() => decodeTextExamples("shard", file, architecture)).toThrow(message);
});

test("a byte outside the vocabulary is refused by its place", () => {
  const file = encodeTextExamples(cutText(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 200), 4));
  expect(() => decodeTextExamples("shard", file, { ...architecture, vocabulary: 128 })).toThrow(
    "shard: byte 200 in example 1 ≥ vocabulary 128",
  );
});

test("units of two windows become twice as many windows, each with its own last target", () => {
  const bytes = Uint8Array.of(0, 1, 2, 3, 4, 10, 11, 12, 13, 14);
  expect(splitWindows({ kind: "text", count: 2, length: 5, bytes }, 2)).toEqual({
    kind: "text",
    count: 4,
    length: 3,
    bytes: Uint8Array.of(0, 1, 2, 2, 3, 4, 10, 11, 12, 12, 13, 14),
  });
});

test("stretches of one window stay as they are", () => {
  const examples = { kind: "text", count: 2, length: 3, bytes: new Uint8Array(6) } as const;
  expect(splitWindows(examples, 2)).toBe(examples);
});
