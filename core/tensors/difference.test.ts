import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FormatError } from "../errors.ts";
import { unionOfMasks } from "../patch/named-masks.ts";
import type { RandomMask } from "../protocol/schemas/mask.ts";
import { applyDeltaStep, deltaStepBetween } from "./delta-step.ts";
import { decodeDifference, encodeDifference } from "./difference.ts";
import { decodeSafetensors, encodeSafetensors, type Tensor } from "./safetensors.ts";

const SIZE = 1000;
const parameters = new Float32Array(SIZE).fill(0.25);
const masks: readonly RandomMask[] = [
  { kind: "random", seed: "000102030405060708090a0b0c0d0e0f", count: 8 },
  { kind: "random", seed: "ff".repeat(16), count: 9 },
];
const positions = unionOfMasks(masks, SIZE);
const values = Float32Array.from(positions, (_, i) => 0.25 + (i - 8) / 16);
const golden = new Uint8Array(
  readFileSync(new URL("../../tests/golden/difference.safetensors", import.meta.url)),
);

test("T13: a difference is the golden file of a second implementation", () => {
  expect(encodeDifference({ positions, values, masks }, parameters)).toEqual(golden);
  expect(decodeDifference(golden, parameters)).toEqual({ positions, values });
});

const finite = fc.float({ noNaN: true, noDefaultInfinity: true });
const models = fc.array(fc.tuple(finite, finite), { minLength: 1, maxLength: 200 });

test("T13: from any finite values to any others, −0 and subnormal ones too, not a bit is lost", () => {
  fc.assert(
    fc.property(models, (pairs) => {
      const before = Float32Array.from(pairs, ([from]) => from);
      const after = Float32Array.from(pairs, ([, to]) => to);
      const bytes = encodeDifference(deltaStepBetween(before, after), before);
      const reached = applyDeltaStep(before, decodeDifference(bytes, before));
      expect(new Uint8Array(reached.buffer)).toEqual(new Uint8Array(after.buffer));
    }),
  );
});

/** The golden file with other metadata or another tensor in it. */
function changed(metadata: Record<string, string>, ...others: Tensor[]): Uint8Array {
  const decoded = decodeSafetensors("file", golden, { maxHeaderBytes: 4096, maxTensors: 3 });
  const tensors = new Map(decoded.tensors);
  for (const tensor of others) tensors.set(tensor.name, tensor);
  return encodeSafetensors({
    tensors: tensors.values(),
    metadata: { ...decoded.metadata, ...metadata },
  });
}
const bytesOf = (name: string, ...list: number[]): Tensor => {
  return { name, dtype: "U8", shape: [list.length], bytes: Uint8Array.from(list) };
};

const zeros = new Uint8Array(200);
const codes = golden.subarray(-64, -1); // before the one block's order
// from 0.25 to infinity lie 0x41000000 values: 0 and the 33 bits of 2 · 0x41000000 + 2^31
const infinite = changed({}, bytesOf("orders", 31), bytesOf("codes", 0x40, 0x80, ...zeros));

test.each([
  { name: "another format", bytes: changed({ format: "x" }), says: "format is not" },
  { name: "another size", bytes: changed({ size: "999" }), says: "17 of 999 declared" },
  { name: "a count like 17.0", bytes: changed({ count: "17.0" }), says: "17.0 of 1000" },
  { name: "more values than blocks", bytes: changed({ count: "65" }), says: "65 of 1000 declared" },
  { name: "other masks", bytes: changed({ masks: `${"ff".repeat(16)}:9` }), says: "masks of 9" },
  {
    name: "more values than bits",
    bytes: changed({ count: "600" }, bytesOf("orders", ...zeros.slice(0, 10))),
    says: "difference: 600 codes in 504 bits",
  },
  {
    name: "masks of more positions",
    bytes: changed({ masks: `${"00".repeat(16)}:17,${"ff".repeat(16)}:9` }),
    says: "masks: over 17 positions together",
  },
  { name: "no masks", bytes: changed({ masks: "" }), says: "masks: not seeds" },
  { name: "positions too", bytes: changed({}, bytesOf("positions", 1)), says: "3 tensors of 2" },
  { name: "order 32", bytes: changed({}, bytesOf("orders", 32)), says: "a code of order 32" },
  {
    name: "codes that end early",
    bytes: changed({}, bytesOf("codes", 255, 255, 255)),
    says: "no code for value",
  },
  {
    name: "zeros alone",
    bytes: changed({}, bytesOf("codes", ...zeros)),
    says: "no code for value 0",
  },
  {
    name: "bytes too many",
    bytes: changed({}, bytesOf("codes", ...codes, 0)),
    says: "1 bytes too many",
  },
  { name: "what leads to infinity", bytes: infinite, says: "value 0 is not finite" },
  { name: "truncated", bytes: golden.subarray(0, -1), says: "data bytes" },
])("T13: $name is refused", ({ bytes, says }) => {
  expect(() => decodeDifference(bytes, parameters)).toThrow(says);
  expect(() => decodeDifference(bytes, parameters)).toThrow(FormatError);
});

test("T13: a difference of a model with another number of parameters is refused", () => {
  expect(() => decodeDifference(golden, new Float32Array(1001))).toThrow("blocks of 1001");
});
