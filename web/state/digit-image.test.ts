import fc from "fast-check";
import { expect, test } from "vitest";
import { centreOfMass, digitImage, SIDE, type Stroke } from "./digit-image.ts";
import { SAMPLE_DIGITS } from "./sample-digits.ts";

/** The rows and columns that have ink: from, to (exclusive). */
function inked(image: Uint8Array) {
  const pixels = [...image.keys()].filter((pixel) => image[pixel]! > 0);
  const columns = pixels.map((pixel) => pixel % SIDE);
  const rows = pixels.map((pixel) => Math.floor(pixel / SIDE));
  return {
    width: Math.max(...columns) + 1 - Math.min(...columns),
    height: Math.max(...rows) + 1 - Math.min(...rows),
  };
}

const changed = (strokes: readonly Stroke[], scale: number, dx: number, dy: number) =>
  strokes.map((stroke) => stroke.map(({ x, y }) => ({ x: x * scale + dx, y: y * scale + dy })));

test("every digit fills a box of 20 pixels and balances where MNIST's do", () => {
  for (const strokes of SAMPLE_DIGITS) {
    const image = digitImage(strokes);
    const { width, height } = inked(image);
    expect(Math.max(width, height)).toBeGreaterThanOrEqual(20);
    expect(Math.max(width, height)).toBeLessThanOrEqual(22); // the edge's soft pixels
    const { x, y } = centreOfMass(image);
    expect(Math.abs(x - 14.5)).toBeLessThan(0.25); // the pen's edge is cut to whole pixels
    expect(Math.abs(y - 14.5)).toBeLessThan(0.25);
  }
});

test("where and how large a digit was drawn does not matter", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 9 }),
      fc.double({ min: 0.3, max: 1, noNaN: true }),
      fc.double({ min: -0.2, max: 0.5, noNaN: true }),
      fc.double({ min: -0.2, max: 0.5, noNaN: true }),
      (digit, scale, dx, dy) => {
        const strokes = SAMPLE_DIGITS[digit]!;
        const image = digitImage(strokes);
        const moved = digitImage(changed(strokes, scale, dx, dy));
        image.forEach((value, pixel) => {
          expect(Math.abs(value - moved[pixel]!)).toBeLessThanOrEqual(1); // rounding
        });
      },
    ),
    { numRuns: 50 },
  );
});

test("a 1 stays narrow, and a dot stays a dot", () => {
  expect(inked(digitImage(SAMPLE_DIGITS[1]!)).width).toBeLessThanOrEqual(8);
  const dot = inked(digitImage([[{ x: 0.2, y: 0.9 }]]));
  expect(dot.width).toBeLessThanOrEqual(4);
  expect(dot.height).toBeLessThanOrEqual(4);
});

test("the values are those of pixels: 0 outside, 255 under the pen", () => {
  const image = digitImage(SAMPLE_DIGITS[0]!);
  expect(image).toHaveLength(SIDE * SIDE);
  expect(Math.min(...image)).toBe(0);
  expect(Math.max(...image)).toBe(255);
});
