import type { Random } from "../../core/random.ts";

const MBIT = 125_000; // bytes a second
/** Lines as homes have them, most of them quicker down than up, and their shares. */
const LINES = [
  { share: 0.3, downRate: 25 * MBIT, upRate: 5 * MBIT },
  { share: 0.4, downRate: 100 * MBIT, upRate: 20 * MBIT },
  { share: 0.3, downRate: 250 * MBIT, upRate: 40 * MBIT },
];

/** One newcomer: when the page is opened and closed, in seconds, and what its line carries, in bytes a second. */
export type Visitor = {
  readonly name: string;
  readonly arrivesAt: number;
  readonly leavesAt: number;
  readonly downRate: number;
  readonly upRate: number;
  /** Once it has the model, it trains without a graphics device, and gives nothing. */
  readonly trainsOnProcessor: boolean;
};

export type Crowd = {
  /** Pages that are open at a time, on average. */
  readonly peers: number;
  /** How long a page stays open on average; the times are exponential. */
  readonly staySeconds: number;
  /** How long newcomers arrive. */
  readonly seconds: number;
  /** The share of pages without a graphics device; they train all the time. */
  readonly onProcessor: number;
};

/** The pages that are open at the start, and those that open later, in the order of their arrival. */
export function drawVisitors(crowd: Crowd, random: Random): Visitor[] {
  const { peers, staySeconds, seconds, onProcessor } = crowd;
  const arrivals = Array.from({ length: peers }, () => 0);
  const between = staySeconds / peers;
  for (let at = drawWait(between, random); at < seconds; at += drawWait(between, random)) {
    arrivals.push(at);
  }
  return arrivals.map((arrivesAt, i) => {
    const leavesAt = arrivesAt + drawWait(staySeconds, random);
    const line = drawLine(random);
    const trainsOnProcessor = drawShare(random) < onProcessor;
    return { name: `visitor${i}`, arrivesAt, leavesAt, ...line, trainsOnProcessor };
  });
}

/** An exponential time with that mean. */
function drawWait(mean: number, random: Random): number {
  return -Math.log(1 - drawShare(random)) * mean;
}

/** Uniform in [0, 1). */
export function drawShare(random: Random): number {
  return random.uint32() / 2 ** 32;
}

function drawLine(random: Random): Pick<Visitor, "downRate" | "upRate"> {
  let lot = drawShare(random);
  const line = LINES.find(({ share }) => {
    lot -= share;
    return lot < 0;
  });
  const { downRate, upRate } = line ?? LINES[0]!; // the shares' sum is 1 but for rounding
  return { downRate, upRate };
}
