import fc from "fast-check";
import { expect, test } from "vitest";
import { sha256 } from "../crypto/signature.ts";
import { FormatError } from "../errors.ts";
import { CHUNK_BYTES } from "../protocol/limits.ts";
import { manifest as manifestSchema } from "../protocol/schemas/checkpoint.ts";
import { createLayout } from "./layout.ts";
import { checkpointId, decodeCheckpoint, encodeCheckpoint, layoutOfManifest } from "./manifest.ts";

const small = createLayout([
  { name: "w", shape: [2, 2] },
  { name: "b", shape: [2] },
]);
const PER_CHUNK = CHUNK_BYTES / 4;
const large = createLayout([{ name: "w", shape: [2 * PER_CHUNK + 3] }]);
const counting = (size: number) => Float32Array.from({ length: size }, (_, i) => i);

test("T4: a checkpoint's id is the golden one", async () => {
  const { manifest, id } = await encodeCheckpoint(small, counting(6));
  // From tests/golden/formats.py, a second implementation.
  expect(id).toBe("3a4c5e05f0070dd98e0eb306c9ad3f5c9e613ce273ff4e60faeca2739b5ab8be");
  expect(await checkpointId(manifest)).toBe(id);
  expect(manifestSchema.parse(manifest)).toEqual(manifest);
});

test("T4: parameters survive being cut into hashed chunks", async () => {
  const parameters = counting(large.size);
  const { manifest, chunks } = await encodeCheckpoint(large, parameters);
  expect(chunks.map(({ length }) => length)).toEqual([CHUNK_BYTES, CHUNK_BYTES, 12]);
  expect(await Promise.all(chunks.map(sha256))).toEqual(manifest.chunks);
  expect(decodeCheckpoint(manifest, chunks)).toEqual(parameters);
  expect(layoutOfManifest(manifest)).toEqual(large);
});

test("T4: any finite parameters come back bit for bit", async () => {
  const finite = fc.float32Array({
    minLength: 6,
    maxLength: 6,
    noNaN: true,
    noDefaultInfinity: true,
  });
  await fc.assert(
    fc.asyncProperty(finite, async (parameters) => {
      const { manifest, chunks } = await encodeCheckpoint(small, parameters);
      expect(decodeCheckpoint(manifest, chunks)).toEqual(parameters);
    }),
  );
});

test("T4: a chunk does not change when the parameters do", async () => {
  const parameters = counting(6);
  const { manifest, chunks } = await encodeCheckpoint(small, parameters);
  parameters.fill(9);
  expect(decodeCheckpoint(manifest, chunks)).toEqual(counting(6));
});

test("T4: a manifest that is not the canonical one of its layout is refused", async () => {
  const { manifest } = await encodeCheckpoint(small, counting(6));
  const [b, w] = manifest.tensors as [{ name: string; shape: number[] }, never];
  expect(() => layoutOfManifest({ ...manifest, tensors: [w, b] })).toThrow('"w" is out of order');
  expect(() => layoutOfManifest({ ...manifest, tensors: [b, b] })).toThrow('tensor "b" twice');
  expect(() => layoutOfManifest({ ...manifest, chunkBytes: 4 })).toThrow("chunks of 4 bytes");
  expect(() => layoutOfManifest({ ...manifest, chunks: [] })).toThrow("manifest: 0 chunks, not 1");
  const huge = { ...b, shape: [2 ** 31 - 1] };
  expect(() => layoutOfManifest({ ...manifest, tensors: [huge] })).toThrow("1 chunks, not 8192");
});

test("T4: missing, short, long and non-finite chunks are refused", async () => {
  const { manifest, chunks } = await encodeCheckpoint(large, counting(large.size));
  const [first, second, third] = chunks as [Uint8Array, Uint8Array, Uint8Array];
  const decode = (...list: Uint8Array[]) => decodeCheckpoint(manifest, list);
  expect(() => decode(first, second)).toThrow("checkpoint: 2 of 3 chunks");
  expect(() => decode(first, third, second)).toThrow("chunk 1 has 12 bytes, not 1048576");
  expect(() => decode(first, second, third.subarray(1))).toThrow("chunk 2 has 11 bytes, not 12");
  expect(() => decode(first, second, first)).toThrow("chunk 2 has 1048576 bytes, not 12");
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const broken = new Uint8Array(Float32Array.of(0, value, 0).buffer);
    expect(() => decode(first, second, broken)).toThrow("chunk 2: value 1 is not finite");
    expect(() => decode(first, second, broken)).toThrow(FormatError);
  }
});

test("parameters that are not finite or of another layout are our bug", async () => {
  const broken = counting(6).fill(Number.NaN, 2, 3);
  await expect(encodeCheckpoint(small, broken)).rejects.toThrow("internal");
  await expect(encodeCheckpoint(small, counting(5))).rejects.toThrow("internal");
});
