import { MAX_PACKETS } from "../protocol/limits.ts";
import type { Recipe } from "../protocol/schemas/recipe.ts";
import type { OpenedPackets, SealedSuite } from "../protocol/schemas/version.ts";

/** The suites that a gate tests on. */
export type GateSuite = SealedSuite["suite"];

/** How a suite is cut (protocol G24): sealed packets that gates open one after the other, and a reserve that is never opened. */
export type PacketPlan = {
  /** Examples of a packet: packet i has the examples size · i … size · (i + 1) − 1. */
  readonly size: number;
  readonly count: number;
  /** Where the reserve begins and ends: it comes after the packets. */
  readonly reserve: ExampleSpan;
};

/** What a history has promised of its suites, and how many packets of each were opened up to the head. */
export type GatePackets = {
  readonly suites: readonly SealedSuite[];
  readonly opened: OpenedPackets;
  /** Those after them that a jury has seen for a candidate that was not published: no gate's fresh ones any more. */
  readonly spent: OpenedPackets;
};

/** The number of the first packet of a suite that nobody outside has seen. */
export function firstFresh({ opened, spent }: GatePackets, suite: GateSuite): number {
  return (opened[suite] ?? 0) + (spent[suite] ?? 0);
}

/**
 * How a suite of the recipe is to be cut; null where the recipe does not have the suite. The reserve has what one gate may look
 * at, and the packets the rest: a suite of at most that, or without `packetExamples`, is all reserve.
 */
export function planPackets({ data, gate }: Recipe, suite: GateSuite): PacketPlan | null {
  const examples = data.heldOut[suite];
  if (examples === undefined) return null;
  const size = suite === "gate" ? gate.packetExamples : gate.protected?.packetExamples;
  if (size === undefined) return wholeReserve(examples);
  const room = Math.max(0, examples - gate.maxExamples);
  const count = Math.min(MAX_PACKETS, Math.floor(room / size));
  return { size, count, reserve: [count * size, examples] };
}

/** How a suite is cut of which nothing is sealed. */
export function wholeReserve(examples: number): PacketPlan {
  return { size: examples, count: 0, reserve: [0, examples] };
}

/** How the suite with this promise was cut. */
export function cutOf({ packetExamples: size, packets, reserveExamples }: SealedSuite): PacketPlan {
  const begin = size * packets.length;
  return { size, count: packets.length, reserve: [begin, begin + reserveExamples] };
}

const PIECES = 8; // of a suite: a look at the tests after each, so that a clear case costs one piece

/** First example and the one after the last. */
export type ExampleSpan = readonly [from: number, to: number];

/**
 * The pieces that cover `examples` once, round from `start` in [0, 1) of the way on. Where they lie is the same for every
 * version, so that what an earlier version did on a piece is known from then on.
 */
export function piecesOf(examples: number, start: number): ExampleSpan[] {
  const length = Math.ceil(examples / PIECES);
  const count = Math.ceil(examples / length);
  const first = Math.floor(start * count);
  return Array.from({ length: count }, (_, i) => {
    const from = ((first + i) % count) * length;
    return [from, Math.min(from + length, examples)];
  });
}

/** A piece of a suite that a gate may look at. */
export type GatePiece = { readonly piece: ExampleSpan; readonly isFresh: boolean };

/**
 * What a gate looks at, in order, up to `most` examples: the packets from number `first` on, then the reserve, round from
 * `start` in [0, 1) of the way on.
 */
export function gatePiecesOf(
  { size, count, reserve: [begin, end] }: PacketPlan,
  { first, start, most }: { readonly first: number; readonly start: number; readonly most: number },
): GatePiece[] {
  const pieces: GatePiece[] = [];
  let examples = 0;
  for (let packet = first; packet < count && examples < most; packet++) {
    pieces.push({ piece: [packet * size, (packet + 1) * size], isFresh: true });
    examples += size;
  }
  if (examples >= most) return pieces;
  for (const [from, to] of piecesOf(Math.min(most, end - begin), start)) {
    if (examples >= most) break;
    pieces.push({ piece: [begin + from, begin + to], isFresh: false });
    examples += to - from;
  }
  return pieces;
}

/** What is opened once a candidate is published that was tested on `looked` fresh packets: the spent ones before them too. */
export function openMore(before: GatePackets, looked: OpenedPackets): OpenedPackets {
  return {
    gate: firstFresh(before, "gate") + looked.gate,
    ...(before.opened.protected !== undefined && {
      protected: firstFresh(before, "protected") + (looked.protected ?? 0),
    }),
  };
}
