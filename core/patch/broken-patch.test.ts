import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  fisherPatch,
  fisherPatchBytes,
  goldenPatch,
  header,
  layout,
  ownPatch,
  ownPatchBytes,
  patchBytes,
  positions,
} from "../../tests/fixtures/golden-patches.ts";
import { FormatError } from "../errors.ts";
import { encodeCanonical } from "../protocol/canonical-json.ts";
import { MAX_PATCH_BYTES } from "../protocol/limits.ts";
import { decodeSafetensors, encodeSafetensors, type Tensor } from "../tensors/safetensors.ts";
import { decodePatch, encodePatch, type Patch } from "./patch.ts";

/** The golden file with some tensors replaced (null: removed) or other metadata. */
function forged(
  tensors: Record<string, Tensor | null>,
  metadata: Record<string, string> = {},
  from = patchBytes,
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
const headed = (change: object, from = patchBytes) => {
  const text = new TextDecoder().decode(encodeCanonical({ ...header, ...change }));
  return forged({}, { header: text }, from);
};
const SCALE = 0x2a67;

describe("P6: refused by name", () => {
  test.each([
    { name: "an empty file", file: new Uint8Array(0), says: "patch: 0 bytes" },
    {
      name: "truncated",
      file: patchBytes.subarray(0, -1),
      says: '"scales" ends at 6 of 5 data bytes',
    },
    { name: "padded", file: Uint8Array.of(...patchBytes, 0), says: "1 trailing bytes" },
    {
      name: "oversized",
      file: new Uint8Array(MAX_PATCH_BYTES + 1),
      says: `patch: ${MAX_PATCH_BYTES + 1} bytes > ${MAX_PATCH_BYTES}`,
    },
    {
      name: "a header of 4 GB",
      file: patchBytes.map((byte, i) => (i < 4 ? 0xff : byte)),
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
          ...patchBytes.subarray(0, patchBytes.length - 6),
          ...new Array(8).fill(0x20),
          ...patchBytes.subarray(-6),
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
      name: "a tensor that no patch has, in the place of Fisher weights",
      file: forged({ weights: u8("weights", 1, 2, 3, 4) }),
      says: "3 tensors under a mask of kind random",
    },
    {
      name: "too few Fisher weights",
      file: forged({ fisher: u8("fisher", 255, 1, 0) }),
      says: "3 Fisher weights for 4 values",
    },
    {
      name: "too many Fisher weights",
      file: forged({ fisher: u8("fisher", 255, 1, 0, 0, 0) }),
      says: "5 Fisher weights for 4 values",
    },
    {
      name: "no Fisher weights in their tensor",
      file: forged({ fisher: u8("fisher") }),
      says: "0 Fisher weights for 4 values",
    },
    {
      name: "Fisher weights of two bytes",
      file: forged({
        fisher: { name: "fisher", dtype: "F16", shape: [4], bytes: new Uint8Array(8) },
      }),
      says: '"fisher" is F16 [4], not U8',
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
      file: headed({ mask: ownPatch.header.mask }),
      says: "2 tensors under a mask",
    },
    {
      name: "Fisher weights instead of positions",
      file: forged({ positions: null }, {}, fisherPatchBytes),
      says: "3 tensors under a mask of kind own",
    },
    {
      name: "five tensors",
      file: forged({ more: u8("more", 0) }, {}, fisherPatchBytes),
      says: "5 tensors > 4",
    },
    {
      name: "truncated positions",
      file: forged({ positions: u8("positions", 0xd4) }, {}, ownPatchBytes),
      says: "positions: 1 bytes end before 4 positions",
    },
    {
      name: "padded positions",
      file: forged({ positions: u8("positions", 0xd4, 0xc0, 0) }, {}, ownPatchBytes),
      says: "positions: ",
    },
    {
      name: "positions whose last byte has more in it",
      file: forged({ positions: u8("positions", 0xd4, 0xc1) }, {}, ownPatchBytes),
      says: "positions: padding bits that are not zero",
    },
    {
      name: "an index past the model",
      file: forged({ positions: u8("positions", 0xd4, 0x04) }, {}, ownPatchBytes),
      says: "≥ size 12",
    },
    {
      name: "more positions than the model has",
      file: headed({ mask: { kind: "own", count: 2 ** 31 - 1 } }, ownPatchBytes),
      says: "2 bytes of codes for 2147483647 values",
    },
  ])("an own mask with $name", ({ file, says }) => {
    expect(() => decodePatch(file, layout, null)).toThrow(says);
    expect(() => decodePatch(file, layout, null)).toThrow(FormatError);
  });

  test("positions passed in for an own mask, or none for a random one", () => {
    expect(() => decodePatch(ownPatchBytes, layout, positions)).toThrow("a mask of kind own");
    expect(() => decodePatch(patchBytes, layout, null)).toThrow("a mask of kind random");
  });
});

test.each([
  { name: "a patch", bytes: patchBytes, golden: goldenPatch, mask: positions },
  { name: "one with Fisher weights", bytes: fisherPatchBytes, golden: fisherPatch, mask: null },
])("P6: no change of a byte of $name goes unnoticed: it is refused or another patch", (one) => {
  const { bytes, golden, mask } = one;
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = bytes.map((byte, i) => (i === at ? byte ^ flip : byte));
      let patch: Patch;
      try {
        patch = decodePatch(changed, layout, mask);
      } catch (error) {
        expect((error as Error).name).toBe("FormatError"); // most changes break the file
        return;
      }
      expect(patch).not.toEqual(golden);
      expect(encodePatch(patch, layout, mask)).toEqual(changed);
    }),
    { numRuns: 2000 },
  );
});
