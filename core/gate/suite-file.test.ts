import { expect, test } from "vitest";
import { tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import type { SuiteHeader } from "../protocol/schemas/suite.ts";
import { encodeSafetensors } from "../tensors/safetensors.ts";
import { encodeImageExamples, type ImageExamples } from "../training/image-examples.ts";
import {
  encodeSuiteFile,
  openSuiteFile,
  pickExamples,
  suiteExamples,
  suiteRows,
} from "./suite-file.ts";

const { architecture } = tinyRecipe;
const COUNT = 6;
const examples: ImageExamples = {
  kind: "images",
  count: COUNT,
  pixels: Uint8Array.from({ length: COUNT * 16 }, (_, i) => i),
  labels: Uint8Array.from({ length: COUNT }, (_, row) => row % 4),
};
const header: SuiteHeader = {
  format: "commonweight.suite/1",
  model: "tiny",
  name: "dim-pictures",
  contributor: "ab".repeat(32),
  marginNats: 0.1,
  reason: "Our cellar is dark.",
  licence: "CC0-1.0",
  use: "Pictures from a cellar.",
};

test("U1: a suite's file gives back its header and its examples", () => {
  const opened = openSuiteFile(encodeSuiteFile(header, examples));
  expect(opened).toMatchObject({ header, examples: COUNT });
  expect(suiteExamples(opened, architecture)).toEqual(examples);
});

test.each([
  ["no header", encodeImageExamples(examples), "suite header: not JSON"],
  [
    "a header that is not canonical",
    encodeSafetensors({
      tensors: [{ name: "pixels", dtype: "U8", shape: [1, 1], bytes: new Uint8Array(1) }],
      metadata: { suite: JSON.stringify(header) },
    }),
    "suite: not in canonical form",
  ],
  [
    "other metadata beside it",
    encodeSafetensors({ tensors: [], metadata: { more: "", suite: "{}" } }),
    "suite header: format",
  ],
  ["a recipe's name", encodeSuiteFile({ ...header, name: "gate" }, examples), "suite header: name"],
  [
    "a second line",
    encodeSuiteFile({ ...header, use: "Use it.\nmargin 0" }, examples),
    "suite header: use",
  ],
  [
    "turned text",
    encodeSuiteFile({ ...header, reason: "not\u202edetpecca" }, examples),
    "suite header: reason",
  ],
  ["no licence", encodeSuiteFile({ ...header, licence: " " }, examples), "suite header: licence"],
  ["too many bytes", new Uint8Array((4 << 20) + 1), "suite: 4194305 bytes > 4194304"],
])("U1: a file with %s is refused", (_, bytes, problem) => {
  expect(() => openSuiteFile(bytes)).toThrow(problem);
});

test("U1: examples of another architecture are refused", () => {
  const wide: ImageExamples = { ...examples, pixels: new Uint8Array(COUNT * 17) };
  const opened = openSuiteFile(encodeSuiteFile(header, wide));
  expect(() => suiteExamples(opened, architecture)).toThrow("suite: 17 pixels an image, not 16");
});

test("U5: a suite's rows come in an order that follows from its id, without those set aside", () => {
  const all = suiteRows("0a", COUNT, []);
  expect([...all].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  expect(suiteRows("0a", COUNT, [])).toEqual(all);
  expect([...suiteRows("0b", 100, [])]).not.toEqual([...suiteRows("0a", 100, [])]);
  const kept = suiteRows("0a", COUNT, [1, 4]);
  expect([...kept]).toEqual([...all].filter((row) => row !== 1 && row !== 4));
  const picked = pickExamples(examples, kept) as ImageExamples;
  expect([...picked.labels]).toEqual([...kept].map((row) => row % 4));
  expect(picked.pixels[0]).toBe(16 * kept[0]!);
});
