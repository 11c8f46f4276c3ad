import * as fc from "fast-check";
import { expect, test } from "vitest";
import { FormatError } from "../errors.ts";
import type { MlpArchitecture } from "../models/mlp.ts";
import { MAX_SHARD_BYTES } from "../protocol/limits.ts";
import { encodeSafetensors, type Tensor } from "../tensors/safetensors.ts";
import {
  decodeImageExamples,
  encodeImageExamples,
  joinImageExamples,
  sliceImageExamples,
} from "./image-examples.ts";

const architecture: MlpArchitecture = { kind: "mlp", inputs: 6, hidden: [4], outputs: 3 };

const images = fc.integer({ min: 1, max: 9 }).chain((count) =>
  fc.record({
    kind: fc.constant("images" as const),
    count: fc.constant(count),
    pixels: fc.uint8Array({ minLength: 6 * count, maxLength: 6 * count }),
    labels: fc.uint8Array({ minLength: count, maxLength: count, max: 2 }),
  }),
);

test("T7: a shard decodes to the examples it was made of", () => {
  fc.assert(
    fc.property(images, (examples) => {
      const decoded = decodeImageExamples("shard", encodeImageExamples(examples), architecture);
      expect(decoded).toEqual(examples);
    }),
  );
});

test("T7: shards put together keep their order and can be cut apart again", () => {
  fc.assert(
    fc.property(images, images, (a, b) => {
      const joined = joinImageExamples([a, b]);
      expect(sliceImageExamples(joined, a.count, joined.count)).toEqual(b);
      expect(joined).toEqual({
        kind: "images",
        count: a.count + b.count,
        pixels: Uint8Array.of(...a.pixels, ...b.pixels),
        labels: Uint8Array.of(...a.labels, ...b.labels),
      });
    }),
  );
});

const good = {
  pixels: { name: "pixels", dtype: "U8", shape: [2, 6], bytes: new Uint8Array(12) },
  labels: { name: "labels", dtype: "U8", shape: [2], bytes: Uint8Array.of(0, 2) },
} as const satisfies Record<string, Tensor>;

function file(...tensors: Tensor[]): Uint8Array {
  return encodeSafetensors({ tensors, metadata: {} });
}

const half = { ...good.pixels, dtype: "F16", bytes: new Uint8Array(24) } as const;
test.each([
  ["no labels", file(good.pixels), /no tensor "labels"/],
  ["a tensor too many", file(good.pixels, good.labels, { ...good.labels, name: "x" }), /tensors/],
  ["pixels in f16", file(half, good.labels), /"pixels" is F16/],
  ["flat pixels", file({ ...good.pixels, shape: [12] }, good.labels), /not U8 with 2 dimensions/],
  ["images of another size", file({ ...good.pixels, shape: [3, 4] }, good.labels), /4 pixels/],
  [
    "labels for other images",
    file(good.pixels, { ...good.labels, shape: [1], bytes: Uint8Array.of(0) }),
    /1 labels for 2 images/,
  ],
  [
    "a class that the model lacks",
    file(good.pixels, { ...good.labels, bytes: Uint8Array.of(0, 3) }),
    /label 3 of image 1 ≥ 3 outputs/,
  ],
  [
    "no images",
    file(
      { ...good.pixels, shape: [0, 6], bytes: new Uint8Array() },
      { ...good.labels, shape: [0], bytes: new Uint8Array() },
    ),
    /no examples/,
  ],
  ["more bytes than a shard has", new Uint8Array(MAX_SHARD_BYTES + 1), /bytes > 4194304/],
  ["a truncated file", file(good.pixels, good.labels).slice(0, -1), /shard/],
])("T7: a shard with %s is refused by name", (_, bytes, message) => {
  const decode = () => decodeImageExamples("shard", bytes, architecture);
  expect(decode).toThrow(FormatError);
  expect(decode).toThrow(message);
});
