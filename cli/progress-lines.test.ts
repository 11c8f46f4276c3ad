import { expect, test } from "vitest";
import { pieceOf } from "../tests/fixtures/store-suite.ts";
import { READY } from "../worker/run/snapshot-feed.ts";
import { progressLines } from "./progress-lines.ts";

test("a terminal is told of what changed, and of nothing else", () => {
  expect(progressLines(null, READY)).toEqual([]);
  expect(progressLines(READY, { ...READY, step: 1 })).toEqual([]);
  const training = { ...READY, phase: "training" as const, base: 3, shards: ["Lincoln 1861"] };
  expect(progressLines(READY, training)).toEqual(["Training on version 3: Lincoln 1861"]);
  const losses = [{ step: 10, lossNats: 1.23456 }];
  const going = { ...training, steps: 50, losses, examplesPerSecond: 99.6 };
  expect(progressLines(training, going)).toEqual(["  step 10/50  loss 1.2346  100 examples/s"]);
});

test("a piece is told of when it is done, sent or refused, but not those of earlier days", () => {
  const waiting = pieceOf(1);
  const sent = pieceOf(1, { sent: "sent", state: "received" });
  const refusal = { code: "harmful", message: "it makes the model worse" };
  const refused = pieceOf(1, { sent: "refused", refusal });
  expect(progressLines(null, { ...READY, pieces: [sent] })).toEqual([]);
  expect(progressLines(READY, { ...READY, pieces: [waiting] })).toEqual([
    "Piece 000000000000 is done: 3 bytes, kept until the relay has them",
  ]);
  expect(progressLines({ ...READY, pieces: [waiting] }, { ...READY, pieces: [sent] })).toEqual([
    "Piece 000000000000 is with the relay: received",
  ]);
  expect(progressLines({ ...READY, pieces: [waiting] }, { ...READY, pieces: [refused] })).toEqual([
    "Piece 000000000000 was refused: it makes the model worse (harmful)",
  ]);
});

test("a wait is told with its reason, every time the reason is another", () => {
  const offline = { ...READY, phase: "offline" as const, reason: "No answer." };
  expect(progressLines(READY, offline)).toEqual(["Offline: No answer."]);
  expect(progressLines(offline, offline)).toEqual([]);
});
