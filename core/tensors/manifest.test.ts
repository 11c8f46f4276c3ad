import fc from "fast-check";
import { expect, test } from "vitest";
import { sha256 } from "../crypto/signature.ts";
import { FormatError } from "../errors.ts";
import { encodeHex } from "../hex.ts";
import { encodeCanonical } from "../protocol/canonical-json.ts";
import { CHUNK_BYTES } from "../protocol/limits.ts";
import { keyframeManifest, type NarrowManifest } from "../protocol/schemas/checkpoint.ts";
import { createLayout, type Layout } from "./layout.ts";
import {
  checkpointId,
  chunksOfManifest,
  layoutOfManifest,
  nameCheckpoint,
  readKeyframe,
  writeKeyframe,
} from "./manifest.ts";

const small = createLayout([
  { name: "w", shape: [2, 2] },
  { name: "b", shape: [2] },
]);
const PER_CHUNK = CHUNK_BYTES / 4;
const large = createLayout([{ name: "w", shape: [2 * PER_CHUNK + 3] }]);
const counting = (size: number) => Float32Array.from({ length: size }, (_, i) => i);

/** Odd thirds are exact in no half. */
const thirds = (size: number) => Float32Array.from({ length: size }, (_, i) => (2 * i + 1) / 3);

/** The keyframe of these parameters, and the bytes that were put. */
async function written(layout: Layout, parameters: Float32Array) {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const manifest = await writeKeyframe(
    layout,
    parameters,
    await nameCheckpoint(layout, parameters),
    (chunk) => sha256(chunks[chunks.push(chunk) - 1]!),
  );
  return { manifest, chunks };
}

test("T4: a checkpoint's id is the golden one", async () => {
  const { manifest, id } = await nameCheckpoint(small, counting(6));
  // From tests/golden/formats.py, a second implementation.
  expect(id).toBe("3a4c5e05f0070dd98e0eb306c9ad3f5c9e613ce273ff4e60faeca2739b5ab8be");
  expect(await checkpointId(manifest)).toBe(id);
  expect(keyframeManifest.parse(manifest)).toEqual(manifest);
});

test("T4: parameters survive being cut into hashed chunks", async () => {
  const parameters = thirds(large.size);
  const { manifest, chunks } = await written(large, parameters);
  expect(chunks.map(({ length }) => length)).toEqual([CHUNK_BYTES, CHUNK_BYTES, 12]);
  expect(await Promise.all(chunks.map(sha256))).toEqual(manifest.chunks);
  expect(manifest).toEqual((await nameCheckpoint(large, parameters)).manifest);
  expect(await readKeyframe(manifest, chunks)).toEqual(parameters);
  expect(layoutOfManifest(manifest)).toEqual(large);
});

test("T4, T12: any finite parameters come back bit for bit", async () => {
  const finite = fc.float32Array({
    minLength: 6,
    maxLength: 6,
    noNaN: true,
    noDefaultInfinity: true,
  });
  const bits = fc.uint32Array({ minLength: 6, maxLength: 6 });
  const rough = fc
    .tuple(bits, fc.constantFrom(0xffff_0000, 0xffff_e000))
    .map(([words, kept]) => new Float32Array(words.map((word) => word & kept).buffer))
    .filter((values) => values.every(Number.isFinite));
  await fc.assert(
    fc.asyncProperty(fc.oneof(finite, rough), async (parameters) => {
      const { manifest, chunks } = await written(small, parameters);
      const read = await readKeyframe(manifest, chunks);
      expect(new Uint8Array(read.buffer)).toEqual(new Uint8Array(parameters.buffer));
    }),
  );
});

// From tests/golden/formats.py, a second implementation.
test.each([
  {
    dtype: "BF16",
    values: [0, 1, 2, 3, 4, 5],
    hex: "0000803f004040408040a040",
    id: "0701bd4880a306e71076f6ec190fc7483d5782d9109aa49a695da2ca3c6e735e",
  },
  {
    dtype: "F16",
    values: [0, 1, 2 ** -24, 1 + 2 ** -10, -65504, 5],
    hex: "0000003c0100013cfffb0045",
    id: "0510ae71045f48f8eaacd9cdde404102d1513816c8cf11d36c6a983d24f149a8",
  },
])("T12: values that are exact in $dtype have two bytes, the golden ones", async (golden) => {
  const parameters = Float32Array.from(golden.values);
  const { manifest, chunks } = await written(small, parameters);
  expect(chunks.map(encodeHex)).toEqual([golden.hex]);
  expect(await sha256(encodeCanonical(manifest))).toBe(golden.id);
  expect(keyframeManifest.parse(manifest)).toEqual(manifest);
  expect(await readKeyframe(manifest, chunks)).toEqual(parameters);
});

test("T12: each chunk has the fewest bytes for what it holds, and -0 stays -0", async () => {
  const parameters = thirds(large.size);
  parameters.fill(-0, 0, PER_CHUNK);
  parameters.fill(1 + 2 ** -10, 2 * PER_CHUNK);
  const { manifest, chunks } = await written(large, parameters);
  const listed = chunksOfManifest(manifest);
  expect(listed.map(({ dtype }) => dtype)).toEqual(["BF16", "F32", "F16"]);
  expect(listed.map(({ sizeBytes }) => sizeBytes)).toEqual([CHUNK_BYTES / 2, CHUNK_BYTES, 6]);
  expect(listed.map(({ sizeBytes }) => sizeBytes)).toEqual(chunks.map(({ length }) => length));
  expect(Object.is((await readKeyframe(manifest, chunks))[0], -0)).toBe(true);
});

test("T4: a chunk does not change when the parameters do", async () => {
  const parameters = counting(6);
  const { manifest, chunks } = await written(small, parameters);
  parameters.fill(9);
  expect(await readKeyframe(manifest, chunks)).toEqual(counting(6));
});

test("T4: a manifest that is not the canonical one of its layout is refused", async () => {
  const { manifest } = await nameCheckpoint(small, counting(6));
  const [b, w] = manifest.tensors as [{ name: string; shape: number[] }, never];
  expect(() => layoutOfManifest({ ...manifest, tensors: [w, b] })).toThrow('"w" is out of order');
  expect(() => layoutOfManifest({ ...manifest, tensors: [b, b] })).toThrow('tensor "b" twice');
  expect(() => layoutOfManifest({ ...manifest, chunkBytes: 4 })).toThrow("chunks of 4 bytes");
  expect(() => layoutOfManifest({ ...manifest, chunks: [] })).toThrow("manifest: 0 chunks, not 1");
  const huge = { ...b, shape: [2 ** 31 - 1] };
  expect(() => layoutOfManifest({ ...manifest, tensors: [huge] })).toThrow("1 chunks, not 8192");
});

test("T12: a narrow manifest of another grid, dtype or number of chunks is refused", async () => {
  const { manifest } = await written(small, counting(6));
  const narrow = manifest as NarrowManifest; // counting is exact in bf16
  const [chunk] = narrow.chunks;
  const refused = (change: Partial<NarrowManifest>) =>
    expect(() => chunksOfManifest({ ...narrow, ...change }));
  refused({ chunkValues: 1 << 20 }).toThrow("chunks of 1048576 values, not 262144");
  refused({ chunks: [chunk!, chunk!] }).toThrow("manifest: 2 chunks, not 1");
  const unknown = { ...narrow, chunks: [{ ...chunk!, dtype: "F8" }] };
  expect(keyframeManifest.safeParse(unknown).success).toBe(false);
  expect(keyframeManifest.safeParse({ ...narrow, chunkBytes: CHUNK_BYTES }).success).toBe(false);
});

test("T4: missing, short, long and non-finite chunks are refused", async () => {
  const { manifest, chunks } = await written(large, thirds(large.size));
  const [first, second, third] = chunks as [Uint8Array, Uint8Array, Uint8Array];
  const refused = (...list: Uint8Array[]) => expect(readKeyframe(manifest, list)).rejects;
  await refused(first, second).toThrow("checkpoint: 2 of 3 chunks");
  await refused(first, second, third, third).toThrow("chunk 3 has 12 bytes, not 0");
  await refused(first, third, second).toThrow("chunk 1 has 12 bytes, not 1048576");
  await refused(first, second, third.subarray(1)).toThrow("chunk 2 has 11 bytes, not 12");
  await refused(first, second, first).toThrow("chunk 2 has 1048576 bytes, not 12");
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const broken = new Uint8Array(Float32Array.of(0, value, 0).buffer);
    await refused(first, second, broken).toThrow("chunk 2: value 1 is not finite");
    await refused(first, second, broken).toThrow(FormatError);
  }
});

test.each([
  { dtype: "BF16", word: 0x7f80 },
  { dtype: "BF16", word: 0xffc0 },
  { dtype: "F16", word: 0x7c00 },
  { dtype: "F16", word: 0x7e01 },
] as const)("T12: a $dtype of bits $word is not finite, and refused", async ({ dtype, word }) => {
  const { manifest } = await written(small, counting(6));
  const bytes = new Uint8Array(Uint16Array.of(0, 0, word, 0, 0, 0).buffer);
  const chunks = [{ dtype, sha256: await sha256(bytes) }];
  const read = readKeyframe({ ...(manifest as NarrowManifest), chunks }, [bytes]);
  await expect(read).rejects.toThrow("chunk 0: value 2 is not finite");
});

test("parameters that are not finite or of another layout are our bug", async () => {
  const broken = counting(6).fill(Number.NaN, 2, 3);
  await expect(nameCheckpoint(small, broken)).rejects.toThrow("internal");
  await expect(nameCheckpoint(small, counting(5))).rejects.toThrow("internal");
});
