import { element, escapeText } from "./svg.ts";

export type Scale = {
  /** Where a value lies, in pixels. */
  at(value: number): number;
  readonly ticks: readonly number[];
};

/** A linear scale from `values`' least to their largest, rounded outwards to ticks, onto pixels from…to. */
export function linearScale(values: readonly number[], from: number, to: number): Scale {
  const least = Math.min(...values);
  const most = Math.max(...values);
  const step = tickStep(most > least ? most - least : Math.abs(most) || 1);
  const first = Math.floor(least / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(most / step - 1e-9));
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
  return {
    ticks,
    at: (value) => from + ((value - first * step) / ((last - first) * step)) * (to - from),
  };
}

/** A scale of logarithms, with a tick at 1, 2 and 5 of every power of ten. */
export function logScale(values: readonly number[], from: number, to: number): Scale {
  const least = Math.log10(Math.min(...values));
  const most = Math.max(Math.log10(Math.max(...values)), least + 0.3);
  const ticks: number[] = [];
  for (let power = Math.floor(least); power <= most; power++) {
    for (const factor of [1, 2, 5]) ticks.push(factor * 10 ** power);
  }
  const isInside = (tick: number) => Math.log10(tick) >= least && Math.log10(tick) <= most;
  return {
    ticks: ticks.filter(isInside),
    at: (value) => from + ((Math.log10(value) - least) / (most - least)) * (to - from),
  };
}

/** 1, 2 or 5 times a power of ten, so that some five fit into `span`. */
function tickStep(span: number): number {
  const power = 10 ** Math.floor(Math.log10(span / 4));
  const factor = [1, 2, 5].find((each) => each * power >= span / 6) ?? 10;
  return factor * power;
}

export function formatTick(value: number): string {
  if (value === 0) return "0";
  if (Math.abs(value) >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (Math.abs(value) >= 1e4) return `${Number((value / 1e3).toPrecision(3))}k`;
  return String(Number(value.toPrecision(3)));
}

/** The frame of a chart in pixels. */
export type Frame = {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
};

/** Lines across the frame, and their values beside them. */
export function verticalAxis(frame: Frame, scale: Scale, label: string): string {
  const lines = scale.ticks.map((tick) => {
    const y = scale.at(tick);
    return (
      element("line", { class: "grid", x1: frame.left, x2: frame.right, y1: y, y2: y }) +
      element("text", { x: frame.left - 8, y: y + 4, "text-anchor": "end" }, formatTick(tick))
    );
  });
  const middle = (frame.top + frame.bottom) / 2;
  const turned = `rotate(-90 16 ${middle})`;
  const text = { x: 16, y: middle, "text-anchor": "middle", transform: turned };
  return lines.join("") + element("text", text, escapeText(label));
}

export function horizontalAxis(frame: Frame, scale: Scale, label: string): string {
  const y = frame.bottom;
  const marks = scale.ticks.map((tick) => {
    const x = scale.at(tick);
    return (
      element("line", { class: "axis", x1: x, x2: x, y1: y, y2: y + 5 }) +
      element("text", { x, y: y + 18, "text-anchor": "middle" }, formatTick(tick))
    );
  });
  const x = (frame.left + frame.right) / 2;
  return (
    element("line", { class: "axis", x1: frame.left, x2: frame.right, y1: y, y2: y }) +
    marks.join("") +
    element("text", { x, y: y + 38, "text-anchor": "middle" }, escapeText(label))
  );
}
