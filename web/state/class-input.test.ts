import { expect, test } from "vitest";
import { pixelsOf } from "./class-input.ts";

test("a picture becomes the model's colours, or their brightness", () => {
  const rgba = [255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 255, 255, 255, 255];
  const size = { kind: "image", width: 2, height: 2 } as const;
  expect([...pixelsOf(rgba, { ...size, channels: 3 })]).toEqual([
    255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255,
  ]);
  expect([...pixelsOf(rgba, { ...size, channels: 1 })]).toEqual([54, 182, 18, 255]);
});
