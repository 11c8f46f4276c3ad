import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FormatError } from "../errors.ts";
import { unionOfMasks } from "../patch/named-masks.ts";
import { quantise } from "../patch/quantiser.ts";
import type { RandomMask } from "../protocol/schemas/mask.ts";
import {
  applyDeltaStep,
  decodeDeltaStep,
  deltaStepBetween,
  encodeDeltaStep,
  movedValues,
  STEP_SEGMENTS,
} from "./delta-step.ts";
import { decodeSafetensors, encodeSafetensors, type Tensor } from "./safetensors.ts";

const SIZE = 1000;
const parameters = new Float32Array(SIZE).fill(0.25);
const positions = Uint32Array.of(3, 5, 900);
const replacing = { positions, values: Float32Array.of(0.5, -1, 2) };
const codes = quantise(Float32Array.of(0.25, -1.25, 1.75), STEP_SEGMENTS);
const moving = {
  positions,
  values: movedValues(parameters, positions, codes),
  quantised: codes,
};
const masks: readonly RandomMask[] = [
  { kind: "random", seed: "000102030405060708090a0b0c0d0e0f", count: 8 },
  { kind: "random", seed: "ff".repeat(16), count: 9 },
];
const union = unionOfMasks(masks, SIZE);
const maskedCodes = quantise(
  Float32Array.from(union, (_, i) => (i - 8) / 16),
  STEP_SEGMENTS,
);
const masked = {
  positions: union,
  values: movedValues(parameters, union, maskedCodes),
  quantised: maskedCodes,
  masks,
};
const goldenOf = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../tests/golden/${name}`, import.meta.url)));
const golden = goldenOf("delta-step.safetensors");
const goldenMoving = goldenOf("delta-step-quantised.safetensors");
const goldenMasked = goldenOf("delta-step-masked.safetensors");

test("T5: each kind of delta step is the golden file of a second implementation", () => {
  expect(encodeDeltaStep(replacing, SIZE)).toEqual(golden);
  expect(decodeDeltaStep(golden, parameters)).toEqual(replacing);
  expect(encodeDeltaStep(moving, SIZE)).toEqual(goldenMoving);
  expect(decodeDeltaStep(goldenMoving, parameters)).toEqual(moving);
  expect(encodeDeltaStep(masked, SIZE)).toEqual(goldenMasked);
  expect(decodeDeltaStep(goldenMasked, parameters)).toEqual(masked);
});

const entries = fc.uniqueArray(
  fc.tuple(fc.nat(SIZE - 1), fc.float({ noNaN: true, min: -7, max: 7 })),
  { selector: ([position]) => position, maxLength: 200 },
);

test("T5: delta steps survive encoding and decoding", () => {
  fc.assert(
    fc.property(entries, (list) => {
      const sorted = list.toSorted(([a], [b]) => a - b);
      const at = Uint32Array.from(sorted, ([position]) => position);
      const step = { positions: at, values: Float32Array.from(sorted, ([, value]) => value) };
      expect(decodeDeltaStep(encodeDeltaStep(step, SIZE), parameters)).toEqual(step);
      const quantised = quantise(step.values, STEP_SEGMENTS);
      const values = movedValues(parameters, at, quantised);
      const moved = { positions: at, values, quantised };
      expect(decodeDeltaStep(encodeDeltaStep(moved, SIZE), parameters)).toEqual(moved);
    }),
  );
});

test("T5: applying replaces the values and leaves the parent's parameters as they are", () => {
  const next = applyDeltaStep(parameters, replacing);
  expect([next[3], next[5], next[900], next[4]]).toEqual([0.5, -1, 2, 0.25]);
  expect(parameters.every((value) => value === 0.25)).toBe(true);
});

/** A golden file with other metadata or another tensor in it. */
function changed(
  file: Uint8Array,
  metadata: Record<string, string>,
  ...others: Tensor[]
): Uint8Array {
  const decoded = decodeSafetensors("file", file, { maxHeaderBytes: 4096, maxTensors: 3 });
  const tensors = new Map(decoded.tensors);
  for (const tensor of others) tensors.set(tensor.name, tensor);
  return encodeSafetensors({
    tensors: tensors.values(),
    metadata: { ...decoded.metadata, ...metadata },
  });
}
const values = (...list: number[]): Tensor => {
  const bytes = new Uint8Array(Float32Array.from(list).buffer);
  return { name: "values", dtype: "F32", shape: [list.length], bytes };
};
const scales = (...bits: number[]): Tensor => {
  const bytes = new Uint8Array(Uint16Array.from(bits).buffer);
  return { name: "scales", dtype: "F16", shape: [bits.length], bytes };
};
const packed = (...bytes: number[]): Tensor => {
  return { name: "codes", dtype: "U8", shape: [bytes.length], bytes: Uint8Array.from(bytes) };
};
const surplus: Tensor = { name: "x", dtype: "U8", shape: [0], bytes: new Uint8Array(0) };

test.each([
  {
    name: "another format",
    bytes: changed(golden, { format: "x" }),
    says: "format is none of commonweight",
  },
  {
    name: "another count",
    bytes: changed(golden, { count: "2" }),
    says: "2 of 1000 declared, 3 of 1000",
  },
  {
    name: "a count like 3.0",
    bytes: changed(golden, { count: "3.0" }),
    says: "3.0 of 1000 declared",
  },
  { name: "another size", bytes: changed(golden, { size: "999" }), says: "3 of 999 declared" },
  {
    name: "fewer values",
    bytes: changed(golden, { count: "2" }, values(1, 2)),
    says: "positions:",
  },
  { name: "NaN", bytes: changed(golden, {}, values(1, Number.NaN, 2)), says: "1 is not finite" },
  { name: "infinity", bytes: changed(golden, {}, values(1, 1 / 0, 2)), says: "1 is not finite" },
  { name: "a third tensor", bytes: changed(golden, {}, surplus), says: "3 tensors, 2 in" },
  { name: "a fourth tensor", bytes: changed(goldenMoving, {}, surplus), says: "4 tensors > 3" },
  { name: "truncated", bytes: golden.subarray(0, -1), says: "ends at 16 of 15 data bytes" },
  { name: "padded", bytes: Uint8Array.of(...golden, 0), says: "1 trailing bytes" },
  {
    name: "values for codes",
    bytes: changed(golden, { format: "commonweight.delta-step/2" }),
    says: "2 tensors, 3 in",
  },
  {
    name: "codes for another count",
    bytes: changed(goldenMoving, { count: "5" }),
    says: "5 of 1000 declared, 4 of 1000",
  },
  {
    name: "codes for fewer positions",
    bytes: changed(goldenMoving, { count: "2" }, packed(0x99)),
    says: "positions:",
  },
  {
    name: "a scale too many",
    bytes: changed(goldenMoving, {}, scales(1, 1)),
    says: "2 scales for 1 blocks",
  },
  {
    name: "a scale above 1",
    bytes: changed(goldenMoving, {}, scales(0x3c01)),
    says: "outside 0…1",
  },
  { name: "NaN as a scale", bytes: changed(goldenMoving, {}, scales(0x7e00)), says: "outside 0…1" },
  {
    name: "codes without a scale",
    bytes: changed(goldenMoving, {}, scales(0)),
    says: "block 0 has codes but no scale",
  },
  { name: "a code of −8", bytes: changed(goldenMoving, {}, packed(0x90, 0x89)), says: "holds −8" },
  {
    name: "masks that are not there",
    bytes: changed(goldenMoving, { format: "commonweight.delta-step/3" }),
    says: "3 tensors, 2 in",
  },
  {
    name: "a mask without a count",
    bytes: changed(goldenMasked, { masks: "ff".repeat(16) }),
    says: "masks: not seeds",
  },
  {
    name: "masks in another order",
    bytes: changed(goldenMasked, { masks: `${"ff".repeat(16)}:9,${"00".repeat(16)}:8` }),
    says: "masks: seeds do not ascend",
  },
  {
    name: "a mask twice",
    bytes: changed(goldenMasked, { masks: `${"ff".repeat(16)}:9,${"ff".repeat(16)}:9` }),
    says: "masks: seeds do not ascend",
  },
  {
    name: "a mask of more positions than the step",
    bytes: changed(goldenMasked, { masks: `${"ff".repeat(16)}:4000000000` }),
    says: "masks: 4000000000 positions > 17",
  },
  {
    name: "a mask of fewer positions than the step",
    bytes: changed(goldenMasked, { masks: `${"ff".repeat(16)}:9` }),
    says: "17 values for masks of 9",
  },
  {
    name: "padding",
    bytes: changed(goldenMoving, {}, packed(0x99, 0x99)),
    says: "padding is not zero",
  },
])("T5: $name is refused", ({ bytes, says }) => {
  expect(() => decodeDeltaStep(bytes, parameters)).toThrow(says);
  expect(() => decodeDeltaStep(bytes, parameters)).toThrow(FormatError);
});

test("T5: a step of a model with another number of parameters is refused", () => {
  for (const bytes of [golden, goldenMoving]) {
    expect(() => decodeDeltaStep(bytes, new Float32Array(1001))).toThrow(
      "3 of 1000 declared, 3 of 1001 expected",
    );
  }
});

test("T5: the step between two lists of parameters holds what differs in any bit, and leads from one to the other", () => {
  const before = Float32Array.of(0, 1, 2, 3);
  const after = Float32Array.of(-0, 1, 2.5, 3);
  const between = deltaStepBetween(before, after);
  expect(between.positions).toEqual(Uint32Array.of(0, 2));
  expect(applyDeltaStep(before, between)).toEqual(after);
  expect(deltaStepBetween(after, after).positions).toHaveLength(0);
});
