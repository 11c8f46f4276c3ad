/** A drawn digit as the image that `digits` reads: MNIST's field, box and centring. */

/** A place on the pad, 0…1 from its left and top edge. */
export type PadPoint = { readonly x: number; readonly y: number };
/** What one stroke of the pen passed, at least one place. */
export type Stroke = readonly PadPoint[];

export const SIDE = 28; // pixels of the field, as MNIST's
const BOX = 20; // pixels of the box that a digit fills, as MNIST's
const PEN = 2.6; // pixels: with it MNIST's mean stroke is met, however large the digit was drawn
const CENTRE = 14.5; // pixels: the middle of the pixel after the field's middle, where MNIST's digits balance
const SMALLEST = 0.1; // of the pad: what is drawn smaller is a dot, and is not blown up to a digit

/**
 * The image [28 × 28] with values 0…255 of what was drawn: scaled to fill a box of 20 × 20 pixels with its
 * aspect kept, drawn with one pen, then moved so that its centre of mass lies where MNIST's does.
 * Source: LeCun, Cortes & Burges, "The MNIST database of handwritten digits".
 */
export function digitImage(strokes: readonly Stroke[]): Uint8Array {
  const boxed = fitBox(strokes);
  const centre = centreOfMass(rasterise(boxed));
  return rasterise(boxed.map((stroke) => move(stroke, CENTRE - centre.x, CENTRE - centre.y)));
}

/** The strokes in pixels, in the box in the middle of the field. */
function fitBox(strokes: readonly Stroke[]): Stroke[] {
  const xs = strokes.flatMap((stroke) => stroke.map(({ x }) => x));
  const ys = strokes.flatMap((stroke) => stroke.map(({ y }) => y));
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
  const scale = (BOX - PEN) / Math.max(right - left, bottom - top, SMALLEST);
  return strokes.map((stroke) =>
    stroke.map(({ x, y }) => ({
      x: SIDE / 2 + (x - (left + right) / 2) * scale,
      y: SIDE / 2 + (y - (top + bottom) / 2) * scale,
    })),
  );
}

const move = (stroke: Stroke, dx: number, dy: number): Stroke =>
  stroke.map(({ x, y }) => ({ x: x + dx, y: y + dy }));

/** How much of each pixel the pen covers, 0…255 [28 × 28]; a stroke is the line through its places. */
function rasterise(strokes: readonly Stroke[]): Uint8Array {
  return Uint8Array.from({ length: SIDE * SIDE }, (_, pixel) => {
    const at = { x: (pixel % SIDE) + 0.5, y: Math.floor(pixel / SIDE) + 0.5 };
    let nearest = Number.POSITIVE_INFINITY;
    for (const stroke of strokes) {
      stroke.forEach((to, i) => {
        nearest = Math.min(nearest, distance(at, stroke[i - 1] ?? to, to));
      });
    }
    return 255 * Math.min(1, Math.max(0, PEN / 2 + 0.5 - nearest)); // the edge runs through one pixel
  });
}

/** From `at` to the line between `a` and `b`. */
function distance(at: PadPoint, a: PadPoint, b: PadPoint): number {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length2 = dx * dx + dy * dy;
  const along = length2 === 0 ? 0 : ((at.x - a.x) * dx + (at.y - a.y) * dy) / length2;
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(at.x - a.x - t * dx, at.y - a.y - t * dy);
}

/** Where the ink of an image [28 × 28] balances, in pixels. */
export function centreOfMass(image: Uint8Array): PadPoint {
  let [ink, x, y] = [0, 0, 0];
  image.forEach((value, pixel) => {
    ink += value;
    x += value * ((pixel % SIDE) + 0.5);
    y += value * (Math.floor(pixel / SIDE) + 0.5);
  });
  return { x: x / ink, y: y / ink };
}
