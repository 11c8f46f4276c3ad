import { type Frame, linearScale, type Scale, verticalAxis } from "./axis.ts";
import { COLOURS, element, escapeText, picture } from "./svg.ts";

export type BarChart = {
  readonly title: string;
  readonly label: string;
  /** What the bars of every group are, in their order. */
  readonly kinds: readonly string[];
  readonly groups: readonly {
    readonly name: string;
    /** One a kind; null where there is none. */
    readonly bars: readonly ({ readonly mean: number; readonly half: number } | null)[];
  }[];
  readonly targets?: readonly { readonly name: string; readonly y: number }[];
};

const WIDTH = 840;
const ROOM = 0.78; // of a group's width that its bars take

/** Bars in groups with their 95% intervals; the names of the groups stand slanted below. */
export function drawBars({ title, label, kinds, groups, targets = [] }: BarChart): string {
  const frame: Frame = { left: 64, right: WIDTH - 16, top: 66, bottom: 330 };
  const ends = groups.flatMap(({ bars }) =>
    bars.flatMap((bar) => (bar === null ? [] : [bar.mean - bar.half, bar.mean + bar.half])),
  );
  const up = linearScale([0, ...ends, ...targets.map(({ y }) => y)], frame.bottom, frame.top);
  const each = (frame.right - frame.left) / groups.length;
  return picture(
    { width: WIDTH, height: 420, title },
    element("text", { class: "title", x: frame.left, y: 24 }, escapeText(title)),
    ...kinds.map((kind, i) => legend(kind, frame.left + 180 * i, i)),
    verticalAxis(frame, up, label),
    ...groups.map((group, g) =>
      drawGroup(group, frame.left + g * each, each, kinds.length, up, frame),
    ),
    element("line", { class: "axis", x1: frame.left, x2: frame.right, y1: up.at(0), y2: up.at(0) }),
    ...targets.map(({ name, y }) => {
      const line = { class: "target", x1: frame.left, x2: frame.right, y1: up.at(y), y2: up.at(y) };
      const text = { x: frame.right, y: up.at(y) - 5, "text-anchor": "end" };
      return element("line", line) + element("text", text, escapeText(name));
    }),
  );
}

function legend(kind: string, x: number, index: number): string {
  const fill = COLOURS[index % COLOURS.length]!;
  return (
    element("rect", { x, y: 38, width: 12, height: 12, fill }) +
    element("text", { x: x + 18, y: 48 }, escapeText(kind))
  );
}

function drawGroup(
  { name, bars }: BarChart["groups"][number],
  x: number,
  width: number,
  kinds: number,
  up: Scale,
  frame: Frame,
): string {
  const each = (ROOM * width) / kinds;
  const drawn = bars.map((bar, i) => {
    if (bar === null) return "";
    const left = x + ((1 - ROOM) * width) / 2 + i * each;
    const [top, zero] = [up.at(Math.max(bar.mean, 0)), up.at(Math.min(bar.mean, 0))];
    const fill = COLOURS[i % COLOURS.length]!;
    const rect = { x: left, y: top, width: each * 0.9, height: Math.max(zero - top, 1), fill };
    const middle = left + 0.45 * each;
    const ends = {
      x1: middle,
      x2: middle,
      y1: up.at(bar.mean - bar.half),
      y2: up.at(bar.mean + bar.half),
    };
    const error = bar.half === 0 ? "" : element("line", { class: "axis", ...ends });
    return element("rect", rect) + error;
  });
  const [tx, ty] = [x + width / 2, frame.bottom + 16];
  const turned = `rotate(-25 ${tx.toFixed(1)} ${ty})`;
  const text = { x: tx, y: ty, "text-anchor": "end", transform: turned };
  return drawn.join("") + element("text", text, escapeText(name));
}
