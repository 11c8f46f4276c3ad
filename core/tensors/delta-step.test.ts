import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FormatError } from "../errors.ts";
import {
  applyDeltaStep,
  decodeDeltaStep,
  deltaStepBetween,
  encodeDeltaStep,
} from "./delta-step.ts";
import { decodeSafetensors, encodeSafetensors, type Tensor } from "./safetensors.ts";

const SIZE = 1000;
const step = {
  positions: Uint32Array.of(3, 5, 900),
  values: Float32Array.of(0.5, -1, 2),
  size: SIZE,
};
const golden = new Uint8Array(
  readFileSync(new URL("../../tests/golden/delta-step.safetensors", import.meta.url)),
);

test("T5: a delta step is the golden file of a second implementation", () => {
  expect(encodeDeltaStep(step)).toEqual(golden);
  expect(decodeDeltaStep(golden, SIZE)).toEqual(step);
});

test("T5: delta steps survive encoding and decoding", () => {
  const entries = fc.uniqueArray(fc.tuple(fc.nat(SIZE - 1), fc.float({ noNaN: true })), {
    selector: ([position]) => position,
  });
  fc.assert(
    fc.property(entries, (list) => {
      const finite = list.filter(([, value]) => Number.isFinite(value)).sort(([a], [b]) => a - b);
      const positions = Uint32Array.from(finite, ([position]) => position);
      const values = Float32Array.from(finite, ([, value]) => value);
      const bytes = encodeDeltaStep({ positions, values, size: SIZE });
      expect(decodeDeltaStep(bytes, SIZE)).toEqual({ positions, values, size: SIZE });
    }),
  );
});

test("T5: applying replaces the values and leaves the parent's parameters as they are", () => {
  const parameters = new Float32Array(SIZE).fill(7);
  const next = applyDeltaStep(parameters, step);
  expect([next[3], next[5], next[900], next[4]]).toEqual([0.5, -1, 2, 7]);
  expect(parameters.every((value) => value === 7)).toBe(true);
});

/** The golden file with other metadata or another tensor in it. */
function changed(metadata: Record<string, string>, tensor?: Tensor): Uint8Array {
  const file = decodeSafetensors("file", golden, { maxHeaderBytes: 4096, maxTensors: 3 });
  const tensors = new Map(file.tensors);
  if (tensor) tensors.set(tensor.name, tensor);
  return encodeSafetensors({
    tensors: tensors.values(),
    metadata: { ...file.metadata, ...metadata },
  });
}
const values = (...list: number[]): Tensor => {
  const bytes = new Uint8Array(Float32Array.from(list).buffer);
  return { name: "values", dtype: "F32", shape: [list.length], bytes };
};

test.each([
  { name: "another format", bytes: changed({ format: "x" }), says: "format is not commonweight" },
  { name: "another count", bytes: changed({ count: "2" }), says: "2 of 1000 declared, 3 of 1000" },
  { name: "a count like 3.0", bytes: changed({ count: "3.0" }), says: "3.0 of 1000 declared" },
  { name: "another size", bytes: changed({ size: "999" }), says: "3 of 999 declared" },
  {
    name: "fewer values",
    bytes: changed({ count: "2" }, values(1, 2)),
    says: "positions:",
  },
  { name: "NaN", bytes: changed({}, values(1, Number.NaN, 2)), says: "value 1 is not finite" },
  { name: "infinity", bytes: changed({}, values(1, 1 / 0, 2)), says: "value 1 is not finite" },
  {
    name: "a third tensor",
    bytes: changed({}, { name: "x", dtype: "U8", shape: [0], bytes: new Uint8Array(0) }),
    says: "3 tensors > 2",
  },
  { name: "truncated", bytes: golden.subarray(0, -1), says: "ends at 16 of 15 data bytes" },
  { name: "padded", bytes: Uint8Array.of(...golden, 0), says: "1 trailing bytes" },
])("T5: $name is refused", ({ bytes, says }) => {
  expect(() => decodeDeltaStep(bytes, SIZE)).toThrow(says);
  expect(() => decodeDeltaStep(bytes, SIZE)).toThrow(FormatError);
});

test("T5: a step of a model with another number of parameters is refused", () => {
  expect(() => decodeDeltaStep(golden, 1001)).toThrow("3 of 1000 declared, 3 of 1001 expected");
});

test("T5: the step between two lists of parameters holds what differs in any bit, and leads from one to the other", () => {
  const before = Float32Array.of(0, 1, 2, 3);
  const after = Float32Array.of(-0, 1, 2.5, 3);
  const between = deltaStepBetween(before, after);
  expect(between.positions).toEqual(Uint32Array.of(0, 2));
  expect(applyDeltaStep(before, between)).toEqual(after);
  expect(deltaStepBetween(after, after).positions).toHaveLength(0);
});
