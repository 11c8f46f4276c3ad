/** Geometry of a line chart; everything in CSS pixels, y downwards. */
export type LinePoint = { readonly x: number; readonly y: number };
export type Extent = readonly [low: number, high: number];

export type Chart = {
  readonly path: string;
  readonly ticks: readonly { readonly value: number; readonly at: number }[];
  /** The last point's place. */
  readonly end: LinePoint | null;
};

/** Round numbers, at most `most` + 1 of them, that lie within `extent`; steps are 1, 2 or 5 × 10ⁿ. */
export function niceTicks([low, high]: Extent, most: number): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  );
}

/** `values`' extent, widened by a tenth on both sides so that the line keeps off the frame. */
export function paddedExtent(values: readonly number[]): Extent {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const margin = high > low ? (high - low) / 10 : Math.abs(low) / 100 || 1;
  return [low - margin, high + margin];
}

/** Lay `points`, in ascending x, out in a box. */
export function layOut(
  points: readonly LinePoint[],
  box: {
    readonly left: number;
    readonly top: number;
    readonly width: number;
    readonly height: number;
  },
): Chart {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined) return { path: "", ticks: [], end: null };
  const extent = paddedExtent(points.map(({ y }) => y));
  const across = last.x > first.x ? box.width / (last.x - first.x) : 0;
  const placeY = (y: number) => box.top + (box.height * (extent[1] - y)) / (extent[1] - extent[0]);
  const places = points.map(({ x, y }) => ({ x: box.left + (x - first.x) * across, y: placeY(y) }));
  const path = places
    .map(({ x, y }, i) => `${i === 0 ? "M" : "L"}${round(x)} ${round(y)}`)
    .join("");
  return {
    path,
    ticks: niceTicks(extent, 4).map((value) => ({ value, at: placeY(value) })),
    end: places.at(-1) ?? null,
  };
}

const round = (value: number): number => Math.round(value * 10) / 10;
