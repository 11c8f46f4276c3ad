import { expect, test } from "vitest";
import { createTransfers, type LineEnd } from "./transfers.ts";

/** Send 1,000 bytes over each of `pairs` for so long; returns what came of each. */
function sendFor(seconds: number, pairs: readonly (readonly [LineEnd, LineEnd])[]): number[] {
  const transfers = createTransfers();
  const sent = pairs.map(([from, to]) => ({
    from,
    to,
    startsAt: 0,
    bytesLeft: 1000,
    onDone: () => {},
  }));
  for (const transfer of sent) transfers.add(transfer);
  transfers.advance(seconds, seconds);
  return sent.map(({ bytesLeft }) => 1000 - bytesLeft);
}
const line = (upRate: number, downRate: number): LineEnd => ({ upRate, downRate });

test("a transfer goes as fast as the slower of its two ends", () => {
  expect(sendFor(1, [[line(100, 0), line(0, 30)]])).toEqual([30]);
  expect(sendFor(1, [[line(20, 0), line(0, 30)]])).toEqual([20]);
  expect(sendFor(1000, [[line(20, 0), line(0, 30)]])).toEqual([1000]); // no more than there is
});

test("a sender shares its line among takers, and gives others what a slow one does not take", () => {
  const sender = line(100, 0);
  expect(
    sendFor(
      1,
      [...Array(4)].map(() => [sender, line(0, 100)] as const),
    ),
  ).toEqual([25, 25, 25, 25]);
  expect(
    sendFor(1, [
      [sender, line(0, 10)],
      [sender, line(0, 100)],
    ]),
  ).toEqual([10, 90]);
});

test("a taker shares its line among senders, and takes from others what a slow one does not send", () => {
  const taker = line(0, 100);
  expect(
    sendFor(1, [
      [line(10, 0), taker],
      [line(200, 0), taker],
    ]),
  ).toEqual([10, 90]);
});

test("what is cancelled stops where it is, and what has not begun does not move", () => {
  const transfers = createTransfers();
  let ended = 0;
  const ends = { from: line(10, 0), to: line(0, 10), onDone: () => ended++ };
  const early = { ...ends, startsAt: 0, bytesLeft: 15 };
  const later = { ...ends, startsAt: 1, bytesLeft: 15 };
  for (const transfer of [early, later]) transfers.add(transfer);
  transfers.advance(1, 1);
  expect([early.bytesLeft, later.bytesLeft]).toEqual([5, 15]);
  transfers.cancel(early);
  transfers.advance(2, 1);
  expect([early.bytesLeft, later.bytesLeft, ended]).toEqual([5, 5, 0]);
  transfers.advance(3, 1);
  expect([later.bytesLeft, ended]).toEqual([0, 1]);
});
