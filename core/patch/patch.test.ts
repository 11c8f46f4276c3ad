import fc from "fast-check";
import { expect, test } from "vitest";
import {
  fisherPatch,
  fisherPatchBytes,
  goldenPatch,
  header,
  layout,
  MASK_SEED,
  ownPatch,
  ownPatchBytes,
  patchBytes,
  positions,
  segments,
} from "../../tests/fixtures/golden-patches.ts";
import { sha256 } from "../crypto/signature.ts";
import type { Mask } from "../protocol/schemas/mask.ts";
import { createLayout } from "../tensors/layout.ts";
import {
  decodePatch,
  decodePatchHeader,
  dequantisePatch,
  encodePatch,
  type Patch,
  patchNorm,
  patchValuesBytes,
} from "./patch.ts";
import { quantise, segmentStarts } from "./quantiser.ts";
import { randomPositions } from "./random-mask.ts";

test("P1: a patch is the golden file of a second implementation: random mask, own mask, Fisher weights", async () => {
  expect(encodePatch(goldenPatch, layout, positions)).toEqual(patchBytes);
  expect(encodePatch(ownPatch, layout, null)).toEqual(ownPatchBytes);
  expect(encodePatch(fisherPatch, layout, null)).toEqual(fisherPatchBytes);
  expect(await sha256(patchBytes)).toBe(
    "5adf39707438703998118fee73f23b14bc91d3e284431d7716e64541c8689083",
  );
});

test("P2: a patch decodes to what was encoded; its header can be read before the mask is known", () => {
  expect(decodePatch(patchBytes, layout, positions)).toEqual(goldenPatch);
  expect(decodePatch(ownPatchBytes, layout, null)).toEqual(ownPatch);
  expect(decodePatch(fisherPatchBytes, layout, null)).toEqual(fisherPatch);
  expect(decodePatchHeader(patchBytes)).toEqual(header);
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
    const fisher = fc.uint8Array({ minLength: count, maxLength: count, size: "max" });
    return fc.record({ delta, isOwn: fc.boolean(), fisher: fc.option(fisher) });
  });
  fc.assert(
    fc.property(cases, ({ delta, isOwn, fisher }) => {
      const masked = randomPositions(MASK_SEED, delta.length, large.size);
      const values = quantise(Float32Array.from(delta), segmentStarts(large, masked));
      const count = delta.length;
      const mask: Mask = isOwn
        ? { kind: "own", count }
        : { kind: "random", seed: MASK_SEED, count };
      const positions = isOwn ? masked : null;
      const patch: Patch = { header: { ...header, mask }, ...values, positions, fisher };
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
  const masked = randomPositions(MASK_SEED, 620_000, large.size);
  const patch: Patch = {
    header: {
      ...header,
      model: "a".repeat(32),
      mask: { kind: "random", seed: MASK_SEED, count: masked.length },
      shards: [100_001, 100_002, 100_003, 100_004],
      examples: 1_000_000,
      lossBefore: 2.345678901234567,
      lossAfter: 1.618033988749895,
      device: "webgpu: ANGLE (NVIDIA Corporation, NVIDIA GeForce RTX 4090)",
    },
    ...quantise(new Float32Array(masked.length).fill(0.01), Uint32Array.of(0)),
    positions: null,
    fisher: null,
  };
  const payload = patch.codes.length / 2 + patch.scales.length * 2;
  expect(encodePatch(patch, large, masked).length - payload).toBeLessThanOrEqual(900);
});

test("P4: values and norm of a patch", () => {
  const values = dequantisePatch(goldenPatch, segments);
  expect([...values].map((value) => Math.round(value * 1000) / 1000)).toEqual([0.7, -0.35, 0.1, 0]);
  expect(patchNorm(goldenPatch, segments)).toBeCloseTo(Math.hypot(...values), 12);
});

const patchValuesId = (patch: Patch) => sha256(patchValuesBytes(patch));

test("P5: the values' id is the same for another's work signed anew, and differs with the values", async () => {
  const id = await patchValuesId(goldenPatch);
  // From tests/golden/formats.py, a second implementation.
  expect(id).toBe("eddfa0ae0f3228ebd5e02c44265d99636d44fa2a7f5dd7d1918c9d2ce24427ae");
  expect(await patchValuesId(ownPatch)).toBe(
    "fc9b400de99a9501bfb3010142fbfcf4c20e5087ef757f2c42ce55024d594744",
  );
  expect(await patchValuesId(fisherPatch)).toBe(await patchValuesId(ownPatch)); // weights make no new work
  const copied = { ...goldenPatch, header: { ...header, contributor: "44".repeat(32) } };
  expect(await patchValuesId(copied)).toBe(id);
  expect(await patchValuesId({ ...goldenPatch, codes: Int8Array.of(7, -7, 2, 1) })).not.toBe(id);
});

test("codes, scales, positions or Fisher weights of another mask are our bug", () => {
  expect(() => encodePatch({ ...ownPatch, fisher: new Uint8Array(3) }, layout, null)).toThrow(
    "internal",
  );
  expect(() => encodePatch(goldenPatch, layout, null)).toThrow("internal");
  expect(() => encodePatch(goldenPatch, layout, positions.subarray(1))).toThrow("internal");
  expect(() => encodePatch({ ...goldenPatch, positions }, layout, null)).toThrow("internal");
  expect(() => encodePatch({ ...goldenPatch, codes: new Int8Array(3) }, layout, positions)).toThrow(
    "internal",
  );
  expect(() =>
    encodePatch({ ...goldenPatch, scales: new Uint16Array(1) }, layout, positions),
  ).toThrow("internal");
});
