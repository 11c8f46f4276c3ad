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

const shape = { vocabulary: 256, window: 4 };
const text = (length: number) => Uint8Array.from({ length }, (_, i) => i);

test("a text file of examples decodes to what was encoded", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 5, maxLength: 300 }), (bytes) => {
      const examples = cutText(bytes, shape.window);
      const decoded = decodeTextExamples("shard", encodeTextExamples(examples), shape);
      expect(decoded).toEqual(examples);
    }),
  );
});

test("a cut text is predicted whole: every byte but the first is a target, the last ones perhaps twice", () => {
  const { count, length, tokens } = cutText(text(11), 4);
  expect({ count, length }).toEqual({ count: 3, length: 5 });
  expect([...tokens]).toEqual([0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 6, 7, 8, 9, 10]);
  expect(cutText(text(5), 4).count).toBe(1);
  expect(cutText(text(9), 4).count).toBe(2);
});

test("samples of a text are spread evenly and of whole windows", () => {
  const samples = sampleText(text(101), 2, { windows: 2, window: 4 });
  expect(samples).toMatchObject({ count: 2, length: 9 });
  expect([samples.tokens[0], samples.tokens[9]]).toEqual([23, 69]);
});

test("joined examples come in order, a slice of them are the same again", () => {
  const [first, second] = [cutText(text(9), 4), cutText(text(5), 4)];
  const joined = joinTextExamples([first, second]);
  expect(joined.count).toBe(3);
  expect(sliceTextExamples(joined, 0, 2)).toEqual(first);
  expect(sliceTextExamples(joined, 2, 3)).toEqual(second);
  const longer = sampleText(text(9), 1, { windows: 2, window: 4 });
  expect(() => joinTextExamples([first, longer])).toThrow("examples of 5 and of 9 tokens");
});

test.each<[string, [number, number], string]>([
  ["no examples", [0, 5], "shard: no examples"],
  [
    "a length that no whole windows have",
    [2, 7],
    "shard: 7 bytes an example, not 1 + windows of 4",
  ],
  ["less than a window", [2, 4], "shard: 4 bytes an example"],
  ["a single byte", [3, 1], "shard: 1 bytes an example"],
])("%s is refused", (_, [count, length], message) => {
  const bytes = new Uint8Array(count * length);
  const file = encodeSafetensors({
    tensors: [{ name: "bytes", dtype: "U8", shape: [count, length], bytes }],
    metadata: {},
  });
  expect(() => decodeTextExamples("shard", file, shape)).toThrow(message);
});

test("a byte outside the vocabulary is refused by its place", () => {
  const file = encodeTextExamples(cutText(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 200), 4));
  expect(() => decodeTextExamples("shard", file, { ...shape, vocabulary: 128 })).toThrow(
    "shard: byte 200 in example 1 ≥ vocabulary 128",
  );
});

test("units of two windows become twice as many windows, each with its own last target", () => {
  const tokens = Uint8Array.of(0, 1, 2, 3, 4, 10, 11, 12, 13, 14);
  expect(splitWindows({ kind: "text", count: 2, length: 5, tokens }, 2)).toEqual({
    kind: "text",
    count: 4,
    length: 3,
    tokens: Uint8Array.of(0, 1, 2, 2, 3, 4, 10, 11, 12, 12, 13, 14),
  });
});

test("stretches of one window stay as they are", () => {
  const examples = { kind: "text", count: 2, length: 3, tokens: new Uint8Array(6) } as const;
  expect(splitWindows(examples, 2)).toBe(examples);
});

const WIDE = { vocabulary: 70_000, window: 4 };

test.each([
  ["U16", Uint16Array.of(0, 256, 50_256, 3, 65_535, 1, 2, 3, 4, 5)],
  ["U32", Uint32Array.of(0, 256, 69_999, 3, 65_536, 1, 2, 3, 4, 5)],
])("T9: tokens beyond a byte are stored as %s and come back", (dtype, tokens) => {
  const examples = { kind: "text", count: 2, length: 5, tokens } as const;
  const file = encodeTextExamples(examples);
  expect(new TextDecoder().decode(file)).toContain(`"dtype":"${dtype}"`);
  expect(decodeTextExamples("shard", file, WIDE)).toEqual(examples);
  expect(() => decodeTextExamples("shard", file, { ...WIDE, vocabulary: 300 })).toThrow(
    /shard: token (50256|69999) in example 0 ≥ vocabulary 300/,
  );
});

const PAIRS = {
  kind: "text",
  count: 2,
  length: 5,
  tokens: Uint16Array.of(1, 2, 300, 4, 5, 6, 7, 8, 9, 10),
  counted: Uint8Array.of(0, 0, 1, 1, 0, 1, 0, 0),
} as const;

test("T9: which targets count travels with the tokens, through joins and slices", () => {
  const decoded = decodeTextExamples("shard", encodeTextExamples(PAIRS), WIDE);
  expect(decoded).toEqual(PAIRS);
  const joined = joinTextExamples([PAIRS, PAIRS]);
  expect(sliceTextExamples(joined, 2, 4)).toEqual(PAIRS);
  expect(() => joinTextExamples([PAIRS, cutText(Uint8Array.of(1, 2, 3, 4, 5), 4)])).toThrow(
    "shards: some say which targets count, others do not",
  );
});

test.each([
  ["of another size", { ...PAIRS, counted: new Uint8Array(7) }, /"counted" U8/],
  [
    "over several windows",
    {
      ...PAIRS,
      count: 1,
      length: 9,
      tokens: PAIRS.tokens.slice(1),
      counted: new Uint8Array(8).fill(1),
    },
    /"counted" over 9 tokens, not a window of 4/,
  ],
  [
    "with another flag",
    { ...PAIRS, counted: Uint8Array.of(0, 2, 0, 0, 1, 0, 0, 0) },
    /2 in "counted", not 0 or 1/,
  ],
  [
    "without a target",
    { ...PAIRS, counted: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0) },
    /example 1 counts no target/,
  ],
])("T9: a mask %s is refused", (_, examples, message) => {
  expect(() => decodeTextExamples("shard", encodeTextExamples(examples), WIDE)).toThrow(message);
});

test("T9: a tensor that is neither tokens nor a mask is refused by its name", () => {
  const bytes = { name: "bytes", dtype: "U8", shape: [1, 5], bytes: new Uint8Array(5) } as const;
  const file = encodeSafetensors({ tensors: [bytes, { ...bytes, name: "more" }], metadata: {} });
  expect(() => decodeTextExamples("shard", file, shape)).toThrow('shard: a tensor "more"');
});
