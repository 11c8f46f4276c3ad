import fc from "fast-check";
import { expect, test } from "vitest";
import * as z from "zod/mini";
import { FormatError } from "../errors.ts";
import { encodeCanonical, parseJson, parseValue } from "./canonical-json.ts";

const text = (value: unknown) => new TextDecoder().decode(encodeCanonical(value));
const bytes = (json: string) => new TextEncoder().encode(json);
const schema = z.strictObject({ a: z.number(), b: z.optional(z.array(z.string())) });

test("V1: the example of RFC 8785 §3.2.2 comes out as its §3.2.3 says", () => {
  const value = {
    numbers: [333333333.3333333, 1e30, 4.5, 2e-3, 1e-27],
    string: '\u20ac$\u000f\nA\'B"\\\\"/',
    literals: [null, true, false],
  };
  expect(text(value)).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
});

test("V1: keys are in code-unit order (RFC 8785 §3.2.3)", () => {
  const value = {
    "\u20ac": 1,
    "\r": 2,
    "\ufb33": 3,
    "1": 4,
    "\u{1f600}": 5,
    "\u0080": 6,
    "\u00f6": 7,
  };
  expect([...text(value).matchAll(/:(\d)/g)].map(([, digit]) => digit).join("")).toBe("2467153");
});

test("V1: the form of a parsed value is a fixed point", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const once = text(value);
      expect(text(JSON.parse(once))).toBe(once);
    }),
  );
});

test("V1: what JSON cannot hold is refused", () => {
  expect(() => encodeCanonical(undefined)).toThrow("json: ");
  for (const value of [Number.NaN, 1 / 0]) expect(() => encodeCanonical({ value })).toThrow();
});

test("what is not JSON in UTF-8 or not as the schema says is refused by name", () => {
  expect(parseJson("thing", schema, bytes('{"a":1}'))).toEqual({ a: 1 });
  const broken: [Uint8Array, string][] = [
    [bytes(""), "thing: not JSON in UTF-8"],
    [bytes('{"a":1'), "thing: not JSON in UTF-8"],
    [Uint8Array.of(0x22, 0xff, 0x22), "thing: not JSON in UTF-8"],
    [bytes('{"a":"1"}'), "thing: a: "],
    [bytes('{"a":1e999}'), "thing: a: "],
    [bytes('{"a":1,"c":2}'), "thing: value: "],
    [bytes('{"a":1,"b":["x",2]}'), "thing: b.1: "],
    [bytes("null"), "thing: value: "],
  ];
  for (const [input, says] of broken) {
    expect(() => parseJson("thing", schema, input)).toThrow(says);
    expect(() => parseJson("thing", schema, input)).toThrow(FormatError);
  }
});

test("a value that is parsed already is checked alike", () => {
  expect(parseValue("thing", schema, { a: 1, b: ["x"] })).toEqual({ a: 1, b: ["x"] });
  expect(() => parseValue("thing", schema, { a: 1, b: "x" })).toThrow("thing: b: ");
});

test("half a surrogate pair is no character, in values as in names, written or escaped", () => {
  const text = (json: string) => parseJson("thing", z.unknown(), new TextEncoder().encode(json));
  for (const json of ['"\\ud800"', '{"a":["\\uDfFf"]}', '{"\\ud83d":1}', '"\\ude00\\ud83d"']) {
    expect(() => text(json)).toThrow(FormatError);
  }
  expect(text('"\\ud83d\\ude00"')).toBe("😀");
  expect(text('"\\\\ud800"')).toBe("\\ud800"); // the letters, not the character
  expect(() => encodeCanonical({ device: "\ud800" })).toThrow(FormatError);
});
