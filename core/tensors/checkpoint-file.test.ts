import { expect, test } from "vitest";
import { decodeCheckpointFile, encodeCheckpointFile } from "./checkpoint-file.ts";
import { createLayout } from "./layout.ts";
import { decodeSafetensors, encodeSafetensors, type Tensor } from "./safetensors.ts";

const layout = createLayout([
  { name: "w", shape: [2, 2] },
  { name: "b", shape: [2] },
]);
const parameters = Float32Array.of(0, 1, 2, 3, 4, 5);
const bytes = encodeCheckpointFile(layout, parameters, { format: "pt" });

/** The file with its tensors changed by `change`. */
function changed(change: (tensor: Tensor) => Tensor | null): Uint8Array {
  const file = decodeSafetensors("file", bytes, { maxHeaderBytes: 4096, maxTensors: 4 });
  const tensors = [...file.tensors.values()].map(change).filter((tensor) => tensor !== null);
  return encodeSafetensors({ tensors, metadata: {} });
}
const decode = (file: Uint8Array) => decodeCheckpointFile("base", file, layout);

test("T6: a checkpoint survives the way through one safetensors file", () => {
  expect(decode(bytes)).toEqual(parameters);
});

test("T6: a foreign file with its tensors in another order gives the same parameters", () => {
  const entry = (shape: string, offsets: string) => {
    return `{"dtype":"F32","shape":[${shape}],"data_offsets":[${offsets}]}`;
  };
  const header = `{"w":${entry("2,2", "0,16")},"b":${entry("2", "16,24")}}`;
  const foreign = new Uint8Array(8 + header.length + 24);
  foreign[0] = header.length;
  foreign.set(new TextEncoder().encode(header), 8);
  foreign.set(new Uint8Array(Float32Array.of(2, 3, 4, 5, 0, 1).buffer), 8 + header.length);
  expect(decode(foreign)).toEqual(parameters);
});

test("T6: other names, shapes, dtypes, numbers of tensors and values that are not finite are refused", () => {
  expect(() => decode(changed((t) => (t.name === "w" ? null : t)))).toThrow('base: no tensor "w"');
  expect(() => decode(changed((t) => (t.name === "w" ? { ...t, shape: [4, 1] } : t)))).toThrow(
    'base: "w" is [4,1], not [2,2]',
  );
  expect(() => decode(changed((t) => ({ ...t, dtype: "U8", shape: [t.bytes.length] })))).toThrow(
    'base: "b" is U8 [8], not F32',
  );
  const other = createLayout([{ name: "b", shape: [2] }]);
  expect(() => decodeCheckpointFile("base", bytes, other)).toThrow("base: 2 tensors, not 1");
  const broken = encodeCheckpointFile(layout, parameters.with(3, Number.NaN), {});
  expect(() => decode(broken)).toThrow('base "w": value 1 is not finite');
});
