import { expect, test } from "vitest";
import { cloth as schema } from "../protocol/schemas/cloth.ts";
import { CLOTH_DOTS, startCloth, type Touch, touchLevels } from "./cloth.ts";

const a = "a".repeat(64);
const b = "b".repeat(64);
const SIZE = CLOTH_DOTS * 30; // a dot is 30 weights
const dots = (from: number, to: number) =>
  Uint32Array.from({ length: to - from }, (_, index) => from + index);

function weaveCloth(touches: readonly Touch[], size: number) {
  const woven = startCloth(size);
  for (const touch of touches) woven.add(touch);
  return woven.cloth();
}

test("a model that nobody touched is 1,152 dots of nobody", () => {
  const cloth = weaveCloth([], SIZE);
  expect(schema.parse(cloth)).toEqual(cloth);
  expect(cloth).toEqual({
    weights: SIZE,
    touched: "0".repeat(CLOTH_DOTS),
    most: "ff".repeat(CLOTH_DOTS),
    contributors: [],
  });
});

test("a dot's level is the share of its weights that anybody touched, each counted once", () => {
  const cloth = weaveCloth(
    [
      { contributor: a, positions: dots(0, 10) },
      { contributor: b, positions: dots(5, 15) },
      { contributor: b, positions: Uint32Array.of(SIZE - 1) },
    ],
    SIZE,
  );
  expect(cloth.touched.slice(0, 2)).toBe("80"); // 15 of 30, in fifteenths rounded up
  expect(cloth.touched.at(-1)).toBe("1");
  expect(schema.parse(cloth)).toEqual(cloth);
});

test("a dot is whose contributions touched most of it, of equals who touched most of the model", () => {
  const cloth = weaveCloth(
    [
      { contributor: a, positions: dots(0, 30) },
      { contributor: b, positions: dots(30, 90) },
      { contributor: a, positions: dots(60, 90) },
    ],
    SIZE,
  );
  expect(cloth.contributors).toEqual([a, b]);
  expect(cloth.most.slice(0, 8)).toBe("000100ff");
});

test("beyond 254 contributors a dot is another one's", () => {
  const crowd = Array.from({ length: 256 }, (_, index) => ({
    contributor: index.toString(16).padStart(64, "0"),
    positions: Uint32Array.of(index * 30),
  }));
  const cloth = weaveCloth(crowd, SIZE);
  expect(cloth.contributors).toHaveLength(254);
  expect(cloth.most.slice(253 * 2, 257 * 2)).toBe("fdfefeff");
});

test("a model with fewer weights than dots fills those that it has", () => {
  expect(touchLevels(Uint32Array.of(0, 1), 2)).toMatch(/^f0{575}f0{575}$/);
});
