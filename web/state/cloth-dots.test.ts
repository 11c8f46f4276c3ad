import { expect, test } from "vitest";
import { CLOTH_DOTS, startCloth, type Touch } from "../../core/history/cloth.ts";
import { colourOf, touchedDots, wholeShare } from "./cloth-dots.ts";

const key = "0000b4".padEnd(64, "0"); // hue 180

function weaveCloth(touches: readonly Touch[], size: number) {
  const woven = startCloth(size);
  for (const touch of touches) woven.add(touch);
  return woven.cloth();
}

test("a contributor's colour follows from the key alone", () => {
  expect(colourOf(key)).toBe("oklch(66% 0.14 180)");
});

test("the touched dots of a picture say how much and by whom", () => {
  const size = CLOTH_DOTS * 15;
  const cloth = weaveCloth([{ contributor: key, positions: Uint32Array.of(15, 16, 17) }], size);
  expect(touchedDots(cloth)).toEqual([{ dot: 1, share: 3 / 15, contributor: key }]);
  expect(wholeShare(cloth.touched)).toBeCloseTo(3 / size);
});

test("a dot of a contributor who is not named has none", () => {
  const cloth = {
    weights: CLOTH_DOTS,
    touched: "f".padEnd(CLOTH_DOTS, "0"),
    most: "fe".padEnd(2 * CLOTH_DOTS, "f"),
    contributors: [],
  };
  expect(touchedDots(cloth)).toEqual([{ dot: 0, share: 1, contributor: null }]);
});
