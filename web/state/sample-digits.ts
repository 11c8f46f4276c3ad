import type { PadPoint, Stroke } from "./digit-image.ts";

/** For those who can't or won't draw: each digit as strokes on the pad, drawn by this script. */
export const SAMPLE_DIGITS: readonly (readonly Stroke[])[] = [
  [arc(0.5, 0.5, 0.2, 0.3, -80, 285)],
  [line([0.52, 0.2], [0.48, 0.8])],
  [[...arc(0.48, 0.36, 0.18, 0.16, 190, 390), ...line([0.58, 0.5], [0.31, 0.78], [0.72, 0.77])]],
  [[...arc(0.47, 0.35, 0.17, 0.15, 215, 440), ...arc(0.46, 0.65, 0.2, 0.16, 280, 510)]],
  [line([0.36, 0.22], [0.3, 0.54], [0.68, 0.52]), line([0.64, 0.22], [0.6, 0.8])],
  [[...line([0.68, 0.22], [0.4, 0.23], [0.36, 0.47]), ...arc(0.48, 0.63, 0.19, 0.17, 235, 500)]],
  [[...line([0.6, 0.2], [0.44, 0.36], [0.35, 0.6]), ...arc(0.49, 0.65, 0.15, 0.15, 180, 530)]],
  [line([0.3, 0.24], [0.69, 0.23], [0.56, 0.5], [0.47, 0.8])],
  [[...arc(0.5, 0.35, 0.14, 0.14, 90, 450), ...arc(0.5, 0.65, 0.16, 0.16, -90, 270)]],
  [[...arc(0.5, 0.37, 0.15, 0.15, 0, 360), ...line([0.65, 0.37], [0.62, 0.6], [0.55, 0.81])]],
];

function line(...places: readonly (readonly [x: number, y: number])[]): Stroke {
  return places.map(([x, y]) => ({ x, y }));
}

/** Part of an ellipse; degrees count clockwise from its right end. */
function arc(
  x: number,
  y: number,
  radiusX: number,
  radiusY: number,
  from: number,
  to: number,
): PadPoint[] {
  const STEP = 10; // degrees: no corner is seen
  const count = Math.ceil((to - from) / STEP);
  return Array.from({ length: count + 1 }, (_, i) => {
    const angle = ((from + ((to - from) * i) / count) * Math.PI) / 180;
    return { x: x + radiusX * Math.cos(angle), y: y + radiusY * Math.sin(angle) };
  });
}
