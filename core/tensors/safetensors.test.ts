import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeHex } from "../hex.ts";
import { decodeSafetensors, encodeSafetensors, type Tensor, tensorOf } from "./safetensors.ts";

const LIMITS = { maxHeaderBytes: 4096, maxTensors: 4 };

const u8 = (name: string, ...values: number[]): Tensor => {
  return { name, dtype: "U8", shape: [values.length], bytes: Uint8Array.from(values) };
};

/** A file with this header text, padding included, and this much data. */
function file(header: string, dataBytes: number, headerBytes = header.length): Uint8Array {
  const bytes = new Uint8Array(8 + header.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.set(new TextEncoder().encode(header), 8);
  return bytes;
}
const decode = (bytes: Uint8Array) => decodeSafetensors("file", bytes, LIMITS);

test("T1, T2: tensors and metadata survive encoding and decoding, and the bytes are canonical", () => {
  const tensor = fc
    .record({ dtype: fc.constantFrom("F32", "F16", "U8"), shape: fc.array(fc.nat(3)) })
    .filter(({ shape }) => shape.length <= 8)
    .chain(({ dtype, shape }) => {
      const sizeBytes = shape.reduce((a, b) => a * b, { F32: 4, F16: 2, U8: 1 }[dtype]);
      const bytes = fc.uint8Array({ minLength: sizeBytes, maxLength: sizeBytes });
      return fc.record({ dtype: fc.constant(dtype), shape: fc.constant(shape), bytes });
    });
  const name = fc.string({ unit: "grapheme", maxLength: 8 });
  const files = fc.record({
    tensors: fc.dictionary(name, tensor, { maxKeys: 4, noNullPrototype: true }),
    metadata: fc.dictionary(name, fc.string({ unit: "grapheme" }), { noNullPrototype: true }),
  });
  fc.assert(
    fc.property(files, ({ tensors, metadata }) => {
      const list = Object.entries(tensors).map(([name, tensor]) => ({ name, ...tensor }));
      const bytes = encodeSafetensors({ tensors: list, metadata });
      const back = decodeSafetensors("file", bytes, { maxHeaderBytes: 1 << 20, maxTensors: 4 });
      expect(new Map(list.map((tensor) => [tensor.name, tensor]))).toEqual(new Map(back.tensors));
      expect(back.metadata).toEqual(metadata);
      const again = encodeSafetensors({ tensors: back.tensors.values(), metadata: back.metadata });
      expect(again).toEqual(bytes);
    }),
  );
});

test("T2: names in code-unit order, RFC 8785 header, spaces to 8 bytes: the golden bytes", () => {
  const b = { name: "b", dtype: "F32" as const, shape: [2] };
  const bytes = encodeSafetensors({
    tensors: [{ ...b, bytes: new Uint8Array(Float32Array.of(1.5, -2).buffer) }, u8("a", 1, 2, 3)],
    metadata: { k: "v" },
  });
  const header =
    '{"__metadata__":{"k":"v"},"a":{"data_offsets":[0,3],"dtype":"U8","shape":[3]},' +
    '"b":{"data_offsets":[3,11],"dtype":"F32","shape":[2]}}    ';
  expect(encodeHex(bytes)).toBe(
    `8800000000000000${encodeHex(new TextEncoder().encode(header))}0102030000c03f000000c0`,
  );
});

test("T1: a foreign file is read whatever the order of its header", () => {
  const entry = '{"dtype":"U8","shape":[1],"data_offsets":';
  const { tensors, metadata } = decode(
    file(`{"z":${entry}[0,1]}, "a":${entry}[1,2]},"__metadata__":{"format":"pt"}}  `, 2),
  );
  expect([...tensors.keys()]).toEqual(["z", "a"]);
  expect(metadata).toEqual({ format: "pt" });
});

const a = '"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}';
test.each([
  { name: "less than a length", bytes: new Uint8Array(7), says: "file: 7 bytes" },
  { name: "a header that is cut off", bytes: file(`{${a}}`, 0, 99), says: "end inside the header" },
  {
    name: "a header past the limit",
    bytes: file(`{${a}}`, 2, 4097),
    says: "header of 4097 bytes > 4096",
  },
  {
    name: "a header of 2^63 bytes",
    bytes: file(`{${a}}`, 2, 2 ** 63),
    says: "header of 9223372036854776000 bytes > 4096",
  },
  { name: "an empty header", bytes: file("", 0), says: 'does not begin with "{"' },
  { name: "a header after a space", bytes: file(` {${a}}`, 2), says: 'does not begin with "{"' },
  { name: "a header that is no JSON", bytes: file(`{${a}`, 2), says: "not JSON in UTF-8" },
  {
    name: "a header that is not UTF-8",
    bytes: file(`{${a}}`, 2).map((byte, i) => (i === 10 ? 0xff : byte)),
    says: "not JSON in UTF-8",
  },
  { name: "a tensor twice", bytes: file(`{${a},${a}}`, 2), says: "a key twice in the header" },
  {
    name: "a field twice",
    bytes: file(`{"a":{"dtype":"U8","dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, 2),
    says: "a key twice in the header",
  },
  {
    name: "a metadata key twice",
    bytes: file(`{"__metadata__":{"k":"1","\\u006b":"2"},${a}}`, 2),
    says: "a key twice in the header",
  },
  {
    name: "a dtype that nobody knows",
    bytes: file(`{${a.replace("U8", "F8")}}`, 2),
    says: 'file "a": dtype',
  },
  {
    name: "a negative dimension",
    bytes: file(`{${a.replace("[2]", "[-2]")}}`, 2),
    says: 'file "a": shape.0',
  },
  {
    name: "a field too many",
    bytes: file(`{${a.replace('"dtype"', '"x":1,"dtype"')}}`, 2),
    says: 'file "a"',
  },
  { name: "a tensor that is a number", bytes: file(`{"a":1}`, 0), says: 'file "a"' },
  {
    name: "metadata that is no text",
    bytes: file(`{"__metadata__":{"k":1},${a}}`, 2),
    says: "file metadata: k",
  },
  {
    name: "a shape that its bytes do not fill",
    bytes: file(`{${a.replace("[2]", "[3]")}}`, 2),
    says: '"a" U8 [3] in 2 bytes',
  },
  {
    name: "a shape of 2^70 bytes",
    bytes: file(`{${a.replace("[2]", "[1073741824,1073741824,1024]")}}`, 2),
    says: "in 2 bytes",
  },
  {
    name: "offsets out of order",
    bytes: file(`{${a.replace("[0,2]", "[2,0]")}}`, 2),
    says: '"a" ends before it begins',
  },
  {
    name: "overlapping tensors",
    bytes: file(`{${a},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, 3),
    says: '"b" overlaps the tensor before it',
  },
  {
    name: "a hole",
    bytes: file(`{${a},"b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}}`, 5),
    says: '1 unused bytes before "b"',
  },
  { name: "truncated data", bytes: file(`{${a}}`, 1), says: '"a" ends at 2 of 1 data bytes' },
  { name: "trailing bytes", bytes: file(`{${a}}`, 3), says: "1 trailing bytes" },
  {
    name: "too many tensors",
    bytes: file(
      `{${[0, 1, 2, 3, 4].map((i) => `"${i}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`)}}`,
      0,
    ),
    says: "5 tensors > 4",
  },
])("T3: $name is refused", ({ bytes, says }) => {
  expect(() => decode(bytes)).toThrow(says);
  expect(() => decode(bytes)).toThrow(expect.objectContaining({ name: "FormatError" }));
});

test("T3: a missing tensor, another dtype and another number of dimensions are refused", () => {
  const read = decode(file(`{${a}}`, 2));
  expect(tensorOf("file", read, "a", "U8", 1).bytes.length).toBe(2);
  expect(() => tensorOf("file", read, "b", "U8", 1)).toThrow('file: no tensor "b"');
  expect(() => tensorOf("file", read, "a", "F16", 1)).toThrow('"a" is U8 [2], not F16');
  expect(() => tensorOf("file", read, "a", "U8", 2)).toThrow("with 2 dimensions");
});
