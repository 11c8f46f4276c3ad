import { CLOTH_COLUMNS, CLOTH_DOTS, CLOTH_ROWS } from "../../core/history/cloth.ts";
import type { Cloth } from "../../core/protocol/schemas/cloth.ts";
import { colourOf, sharesOf, touchedDots } from "../state/cloth-dots.ts";

const REST = 0.2; // radius of a dot at rest, in distances between dots
const FULL = 0.46; // of one whose parameters were all touched
const SETTLE_MS = 900;
const WAVE_MS = 2600; // from crest to crest of the glow

export type ClothPicture = {
  readonly cloth: Cloth | null;
  /** Levels of the running piece's mask. */
  readonly touches: string | null;
  /** This browser's key: its dots have the page's own colour. */
  readonly own: string | null;
  /** The glow moves. */
  readonly isAtWork: boolean;
};

/**
 * Draws pictures of a model on `canvas`. A frame copies three layers that were drawn once, so that a picture in motion costs
 * a training device next to nothing. `isStill` is for people who do not want motion: nothing moves then.
 */
export function createClothCanvas(canvas: HTMLCanvasElement, isStill: boolean) {
  let picture: ClothPicture = { cloth: null, touches: null, own: null, isAtWork: false };
  let layers: { rest: Layer; merged: Layer; glow: Layer } | null = null;
  let settledAt = Number.NEGATIVE_INFINITY;
  let frame = 0;

  function paintLayers(): void {
    const { width, height } = canvas;
    const style = getComputedStyle(canvas);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const spacing = width / CLOTH_COLUMNS;
    const layer = (dots: Iterable<readonly [dot: number, share: number, fill: string]>) =>
      paintLayer({ width, height, spacing }, dots);
    const { cloth, touches, own } = picture;
    layers = {
      rest: layer(Array.from({ length: CLOTH_DOTS }, (_, dot) => [dot, 0, colour("--rest")])),
      merged: layer(
        (cloth === null ? [] : touchedDots(cloth)).map(({ dot, share, contributor }) => {
          const other = contributor === null ? colour("--rest") : colourOf(contributor);
          return [dot, share, contributor === own ? colour("--own") : other];
        }),
      ),
      glow: layer(
        sharesOf(touches ?? "").flatMap((share, dot) =>
          share === 0 ? [] : [[dot, share, colour("--glow")] as const],
        ),
      ),
    };
  }

  function draw(nowMs: number): void {
    frame = 0;
    const context = canvas.getContext("2d");
    if (context === null || canvas.width === 0) return;
    if (layers === null) paintLayers();
    const { rest, merged, glow } = layers!;
    const settled = isStill ? 1 : Math.min(1, (nowMs - settledAt) / SETTLE_MS);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.globalAlpha = 1;
    context.drawImage(rest, 0, 0);
    context.globalAlpha = settled;
    context.drawImage(merged, 0, 0);
    const moves = picture.isAtWork && picture.touches !== null && !isStill;
    drawGlow(context, glow, moves ? nowMs / WAVE_MS : null);
    if (moves || settled < 1) frame = requestAnimationFrame(draw);
  }

  function redraw(): void {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(draw);
  }

  return {
    show(next: ClothPicture): void {
      if (next.cloth !== picture.cloth && picture.cloth !== null) settledAt = performance.now();
      picture = next;
      layers = null;
      redraw();
    },
    /** The canvas has another size, or the page other colours. */
    refresh(): void {
      const ratio = Math.min(devicePixelRatio, 2);
      const width = Math.round(canvas.clientWidth * ratio);
      canvas.width = width;
      canvas.height = Math.round((width * CLOTH_ROWS) / CLOTH_COLUMNS);
      layers = null;
      redraw();
    },
    close: () => cancelAnimationFrame(frame),
  };
}

type Layer = OffscreenCanvas;

function paintLayer(
  { width, height, spacing }: { width: number; height: number; spacing: number },
  dots: Iterable<readonly [dot: number, share: number, fill: string]>,
): Layer {
  const layer = new OffscreenCanvas(width, height);
  const context = layer.getContext("2d");
  if (context === null) return layer;
  for (const [dot, share, fill] of dots) {
    const x = ((dot % CLOTH_COLUMNS) + 0.5) * spacing;
    const y = (Math.floor(dot / CLOTH_COLUMNS) + 0.5) * spacing;
    context.fillStyle = fill;
    context.beginPath();
    context.arc(x, y, spacing * (REST + (FULL - REST) * Math.sqrt(share)), 0, 2 * Math.PI);
    context.fill();
  }
  return layer;
}

/** Row by row, so that a wave runs through the cloth; `turn` is null where nothing moves. */
function drawGlow(context: CanvasRenderingContext2D, glow: Layer, turn: number | null): void {
  const height = glow.height / CLOTH_ROWS;
  for (let row = 0; row < CLOTH_ROWS; row += 1) {
    const wave = turn === null ? 0 : Math.cos(2 * Math.PI * (turn - row / CLOTH_ROWS));
    context.globalAlpha = 0.7 + 0.3 * wave;
    const y = row * height;
    context.drawImage(glow, 0, y, glow.width, height, 0, y, glow.width, height);
  }
  context.globalAlpha = 1;
}
