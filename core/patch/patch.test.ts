import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sha256 } from "../crypto/signature.ts";
import { FormatError } from "../errors.ts";
import { encodeCanonical } from "../protocol/canonical-json.ts";
import { MAX_PATCH_BYTES } from "../protocol/limits.ts";
import type { PatchHeader } from "../protocol/schemas/contribution.ts";
import type { Mask } from "../protocol/schemas/mask.ts";
import { createLayout } from "../tensors/layout.ts";
import { decodeSafetensors, encodeSafetensors, type Tensor } from "../tensors/safetensors.ts";
import {
  decodePatch,
  decodePatchHeader,
  dequantisePatch,
  encodePatch,
  type Patch,
  patchNorm,
  patchValuesId,
} from "./patch.ts";
import { quantise, segmentStarts } from "./quantiser.ts";
import { randomPositions } from "./random-mask.ts";

const SEED = "000102030405060708090a0b0c0d0e0f";
const layout = createLayout([
  { name: "b", shape: [4] },
  { name: "w", shape: [2, 4] },
]);
const positions = Uint32Array.of(1, 4, 5, 9);
const segments = segmentStarts(layout, positions);
const header: PatchHeader = {
  format: "commonweight.patch/1",
  contributor: "11".repeat(32),
  ticket: "22".repeat(16),
  model: "digits",
  base: "33".repeat(32),
  mask: { kind: "random", seed: SEED, count: 4 },
  shards: [4, 7],
  steps: 50,
  examples: 3200,
  lossBefore: 0.5,
  lossAfter: 0.25,
  licence: "CC0-1.0",
  software: "commonweight/0.1.0",
  device: "wasm",
};
const quantised = quantise(Float32Array.of(0.7, -0.35, 0.1, 0), segments);
const shared: Patch = { header, ...quantised, positions: null };
const own: Patch = {
  header: { ...header, mask: { kind: "own", count: 4 } },
  ...quantised,
  positions,
};

const golden = (kind: string) => {
  const url = new URL(`../../tests/golden/patch-${kind}.safetensors`, import.meta.url);
  return new Uint8Array(readFileSync(url));
};
const bytes = golden("random");
const ownBytes = golden("own");

test("P1: a patch is the golden file of a second implementation, under a random and an own mask", async () => {
  expect(encodePatch(shared, layout, positions)).toEqual(bytes);
  expect(encodePatch(own, layout, null)).toEqual(ownBytes);
  expect(await sha256(bytes)).toBe(
    "5adf39707438703998118fee73f23b14bc91d3e284431d7716e64541c8689083",
  );
});

test("P2: a patch decodes to what was encoded; its header can be read before the mask is known", () => {
  expect(decodePatch(bytes, layout, positions)).toEqual(shared);
  expect(decodePatch(ownBytes, layout, null)).toEqual(own);
  expect(decodePatchHeader(bytes)).toEqual(header);
});

test("P2: patches of any mask and delta survive encoding and decoding", () => {
  const large = createLayout([
    { name: "a", shape: [300] },
    { name: "b", shape: [7] },
    { name: "c", shape: [40, 50] },
  ]);
  const cases = fc.integer({ min: 1, max: large.size }).chain((count) => {
    const delta = fc.array(fc.double({ min: -0.1, max: 0.1, noNaN: true }), {
      minLength: count,
      maxLength: count,
      size: "max",
    });
    return fc.record({ delta, isOwn: fc.boolean() });
  });
  fc.assert(
    fc.property(cases, ({ delta, isOwn }) => {
      const masked = randomPositions(SEED, delta.length, large.size);
      const values = quantise(Float32Array.from(delta), segmentStarts(large, masked));
      const count = delta.length;
      const mask: Mask = isOwn ? { kind: "own", count } : { kind: "random", seed: SEED, count };
      const patch = { header: { ...header, mask }, ...values, positions: isOwn ? masked : null };
      const known = isOwn ? null : masked;
      const encoded = encodePatch(patch, large, known);
      const decoded = decodePatch(encoded, large, known);
      expect(decoded).toEqual(patch);
      expect(encodePatch(decoded, large, known)).toEqual(encoded);
    }),
    { numRuns: 40 },
  );
});

test("P3: everything but codes and scales takes at most 900 bytes", () => {
  const large = createLayout([{ name: "w", shape: [124_000_000] }]);
  const masked = randomPositions(SEED, 620_000, large.size);
  const patch: Patch = {
    header: {
      ...header,
      model: "a".repeat(32),
      mask: { kind: "random", seed: SEED, count: masked.length },
      shards: [100_001, 100_002, 100_003, 100_004],
      examples: 1_000_000,
      lossBefore: 2.345678901234567,
      lossAfter: 1.618033988749895,
      device: "webgpu: ANGLE (NVIDIA Corporation, NVIDIA GeForce RTX 4090)",
    },
    ...quantise(new Float32Array(masked.length).fill(0.01), Uint32Array.of(0)),
    positions: null,
  };
  const payload = patch.codes.length / 2 + patch.scales.length * 2;
  expect(encodePatch(patch, large, masked).length - payload).toBeLessThanOrEqual(900);
});

test("P4: values and norm of a patch", () => {
  const values = dequantisePatch(shared, segments);
  expect([...values].map((value) => Math.round(value * 1000) / 1000)).toEqual([0.7, -0.35, 0.1, 0]);
  expect(patchNorm(shared, segments)).toBeCloseTo(Math.hypot(...values), 12);
});

test("P5: the values' id is the same for another's work signed anew, and differs with the values", async () => {
  const id = await patchValuesId(shared);
  // From tests/golden/formats.py, a second implementation.
  expect(id).toBe("eddfa0ae0f3228ebd5e02c44265d99636d44fa2a7f5dd7d1918c9d2ce24427ae");
  expect(await patchValuesId(own)).toBe(
    "fc9b400de99a9501bfb3010142fbfcf4c20e5087ef757f2c42ce55024d594744",
  );
  const copied = { ...shared, header: { ...header, contributor: "44".repeat(32) } };
  expect(await patchValuesId(copied)).toBe(id);
  expect(await patchValuesId({ ...shared, codes: Int8Array.of(7, -7, 2, 1) })).not.toBe(id);
});

/** The golden file with some tensors replaced (null: removed) or other metadata. */
function forged(
  tensors: Record<string, Tensor | null>,
  metadata: Record<string, string> = {},
  from = bytes,
): Uint8Array {
  const file = decodeSafetensors("file", from, { maxHeaderBytes: 1 << 14, maxTensors: 5 });
  const kept = Object.values({ ...Object.fromEntries(file.tensors), ...tensors });
  return encodeSafetensors({
    tensors: kept.filter((tensor) => tensor !== null),
    metadata: { ...file.metadata, ...metadata },
  });
}
const u8 = (name: string, ...values: number[]): Tensor => {
  return { name, dtype: "U8", shape: [values.length], bytes: Uint8Array.from(values) };
};
const scales = (...bits: number[]): Record<string, Tensor> => {
  const bytes = new Uint8Array(Uint16Array.from(bits).buffer);
  return { scales: { name: "scales", dtype: "F16", shape: [bits.length], bytes } };
};
const headed = (change: object, from = bytes) => {
  const text = new TextDecoder().decode(encodeCanonical({ ...header, ...change }));
  return forged({}, { header: text }, from);
};
const SCALE = 0x2a67;

describe("P6: refused by name", () => {
  test.each([
    { name: "an empty file", file: new Uint8Array(0), says: "patch: 0 bytes" },
    { name: "truncated", file: bytes.subarray(0, -1), says: '"scales" ends at 6 of 5 data bytes' },
    { name: "padded", file: Uint8Array.of(...bytes, 0), says: "1 trailing bytes" },
    {
      name: "oversized",
      file: new Uint8Array(MAX_PATCH_BYTES + 1),
      says: `patch: ${MAX_PATCH_BYTES + 1} bytes > ${MAX_PATCH_BYTES}`,
    },
    {
      name: "a header of 4 GB",
      file: bytes.map((byte, i) => (i < 4 ? 0xff : byte)),
      says: "header of 4294967295 bytes > 8192",
    },
    { name: "no header", file: forged({}, { header: "" }), says: "patch header: not JSON" },
    { name: "a header with more in it", file: headed({ x: 1 }), says: "patch header: " },
    { name: "another format", file: headed({ format: "x" }), says: "patch header: format" },
    { name: "a loss that is no number", file: headed({ lossAfter: null }), says: "lossAfter" },
    {
      name: "a header in another order",
      file: forged({}, { header: JSON.stringify(header) }),
      says: "patch: not in canonical form",
    },
    {
      name: "more metadata",
      file: forged({}, { more: "x" }),
      says: "patch: not in canonical form",
    },
    {
      name: "a file with spaces in its header",
      file: (() => {
        const padded = Uint8Array.of(
          ...bytes.subarray(0, bytes.length - 6),
          ...new Array(8).fill(0x20),
          ...bytes.subarray(-6),
        );
        new DataView(padded.buffer).setUint32(0, padded.length - 14, true);
        return padded;
      })(),
      says: "patch: not in canonical form",
    },
    { name: "no codes", file: forged({ codes: null }), says: 'no tensor "codes"' },
    { name: "no scales", file: forged({ scales: null }), says: 'no tensor "scales"' },
    { name: "too few codes", file: forged({ codes: u8("codes", 0x1f) }), says: "1 bytes of codes" },
    {
      name: "too many codes",
      file: forged({ codes: u8("codes", 0x1f, 0x8a, 0x88) }),
      says: "3 bytes of codes for 4 values",
    },
    {
      name: "code −8",
      file: forged({ codes: u8("codes", 0x1f, 0x0a) }),
      says: "codes: byte 1 holds −8",
    },
    { name: "too few scales", file: forged(scales(SCALE)), says: "1 scales for 2 blocks" },
    {
      name: "too many scales",
      file: forged(scales(SCALE, SCALE, SCALE)),
      says: "3 scales for 2 blocks",
    },
    {
      name: "an infinite scale",
      file: forged(scales(SCALE, 0x7c00)),
      says: "scale 1 is f16 0x7c00",
    },
    { name: "a NaN scale", file: forged(scales(0x7e00, SCALE)), says: "scale 0 is f16 0x7e00" },
    {
      name: "a negative scale",
      file: forged(scales(0xaa67, SCALE)),
      says: "scale 0 is f16 0xaa67",
    },
    { name: "scale −0", file: forged(scales(0x8000, SCALE)), says: "scale 0 is f16 0x8000" },
    { name: "a scale above 1", file: forged(scales(0x3c01, SCALE)), says: "scale 0 is f16 0x3c01" },
    {
      name: "codes without a scale",
      file: forged(scales(SCALE, 0)),
      says: "block 1 has codes but no scale",
    },
    {
      name: "a scale without codes",
      file: forged({ codes: u8("codes", 0x18, 0x8a) }),
      says: "block 0 has a scale but no codes",
    },
    {
      name: "positions under a random mask",
      file: forged({ positions: u8("positions", 0x80) }),
      says: "3 tensors under a mask of kind random",
    },
    {
      name: "a count that is not the mask's",
      file: headed({ mask: { ...header.mask, count: 3 } }),
      says: "3 values for a mask of 4",
    },
  ])("$name", ({ file, says }) => {
    expect(() => decodePatch(file, layout, positions)).toThrow(says);
    expect(() => decodePatch(file, layout, positions)).toThrow(FormatError);
  });

  test.each([
    {
      name: "no positions",
      file: headed({ mask: own.header.mask }),
      says: "2 tensors under a mask",
    },
    {
      name: "truncated positions",
      file: forged({ positions: u8("positions", 0xd4) }, {}, ownBytes),
      says: "positions: 1 bytes end before 4 positions",
    },
    {
      name: "padded positions",
      file: forged({ positions: u8("positions", 0xd4, 0xc0, 0) }, {}, ownBytes),
      says: "positions: ",
    },
    {
      name: "positions whose last byte has more in it",
      file: forged({ positions: u8("positions", 0xd4, 0xc1) }, {}, ownBytes),
      says: "positions: padding bits that are not zero",
    },
    {
      name: "an index past the model",
      file: forged({ positions: u8("positions", 0xd4, 0x04) }, {}, ownBytes),
      says: "≥ size 12",
    },
    {
      name: "more positions than the model has",
      file: headed({ mask: { kind: "own", count: 2 ** 31 - 1 } }, ownBytes),
      says: "2 bytes of codes for 2147483647 values",
    },
  ])("an own mask with $name", ({ file, says }) => {
    expect(() => decodePatch(file, layout, null)).toThrow(says);
    expect(() => decodePatch(file, layout, null)).toThrow(FormatError);
  });

  test("positions passed in for an own mask, or none for a random one", () => {
    expect(() => decodePatch(ownBytes, layout, positions)).toThrow("a mask of kind own");
    expect(() => decodePatch(bytes, layout, null)).toThrow("a mask of kind random");
  });
});

test("P6: no change of a byte goes unnoticed: the file is refused or another patch", () => {
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = bytes.map((byte, i) => (i === at ? byte ^ flip : byte));
      let patch: Patch;
      try {
        patch = decodePatch(changed, layout, positions);
      } catch (error) {
        expect((error as Error).name).toBe("FormatError"); // most changes break the file
        return;
      }
      expect(patch).not.toEqual(shared);
      expect(encodePatch(patch, layout, positions)).toEqual(changed);
    }),
    { numRuns: 2000 },
  );
});

test("codes, scales or positions of another mask are our bug", () => {
  expect(() => encodePatch(shared, layout, null)).toThrow("internal");
  expect(() => encodePatch(shared, layout, positions.subarray(1))).toThrow("internal");
  expect(() => encodePatch({ ...shared, positions }, layout, null)).toThrow("internal");
  expect(() => encodePatch({ ...shared, codes: new Int8Array(3) }, layout, positions)).toThrow(
    "internal",
  );
  expect(() => encodePatch({ ...shared, scales: new Uint16Array(1) }, layout, positions)).toThrow(
    "internal",
  );
});
