import { expect, test } from "vitest";
import { CHUNK_BYTES } from "../protocol/limits.ts";
import { type LoadState, nextFromRelay } from "./pace.ts";

const range = (count: number, first = 0) => Array.from({ length: count }, (_, i) => first + i);
const RATE = CHUNK_BYTES / 100; // a chunk in 100 ms

/** A load of 100 chunks that just began, whose peers have everything. */
const loadWith = (changes: Partial<LoadState>): LoadState => ({
  chunks: 100,
  doneBytes: 0,
  elapsedMs: 0,
  httpRate: RATE,
  waiting: range(100),
  asked: [],
  lanes: 0,
  laneBytes: 0,
  sizeBytes: () => CHUNK_BYTES,
  isHeld: () => true,
  mayGrow: true,
  ...changes,
});
const chunksOf = (load: LoadState) => nextFromRelay(load).map(({ chunk }) => chunk);

test("X: one chunk of a long list tells how fast HTTP is, a short list spares it", () => {
  expect(nextFromRelay(loadWith({ httpRate: null }))).toEqual([{ chunk: 0, why: "probe" }]);
  expect(chunksOf(loadWith({ httpRate: null, lanes: 1 }))).toEqual([]);
  expect(chunksOf(loadWith({ httpRate: null, chunks: 15, waiting: range(15) }))).toEqual([]);
});

test("X: the relay brings as many chunks as the load is behind HTTP alone, and no more", () => {
  const elapsedMs = 2000 + 110 * 10; // HTTP alone would have ten, at the slowest that is allowed
  const done = (chunks: number) => loadWith({ elapsedMs, doneBytes: chunks * CHUNK_BYTES });
  expect(nextFromRelay(done(8)).map(({ why }) => why)).toEqual(["behind", "behind"]);
  expect(chunksOf({ ...done(8), lanes: 1, laneBytes: CHUNK_BYTES })).toHaveLength(1);
  expect(chunksOf({ ...done(8), lanes: 2, laneBytes: 2 * CHUNK_BYTES })).toEqual([]);
  expect(chunksOf(done(0))).toHaveLength(4); // that many requests at once
  expect(chunksOf(done(10))).toEqual([]);
});

test("X: chunks of other sizes are asked for until their bytes make up for what the load is behind", () => {
  const elapsedMs = 2000 + 110 * 3; // three chunks of 1 MiB behind
  const sized = (share: number) => loadWith({ elapsedMs, sizeBytes: () => share * CHUNK_BYTES });
  expect(chunksOf(sized(4))).toEqual([0]);
  expect(chunksOf({ ...sized(4), lanes: 1, laneBytes: 4 * CHUNK_BYTES })).toEqual([]);
  expect(chunksOf(sized(0.75))).toEqual([0, 1, 2, 3]);
  expect(chunksOf({ ...sized(0.75), lanes: 2, laneBytes: 1.5 * CHUNK_BYTES })).toEqual([0, 1]);
});

test("X: of what it owes, the relay brings first what no peer has", () => {
  const isHeld = (chunk: number) => chunk !== 70;
  expect(chunksOf(loadWith({ elapsedMs: 2200, isHeld }))).toEqual([70, 0]);
});

test("X: what no peer has comes from the relay, once no other peer is to be expected", () => {
  const isHeld = (chunk: number) => chunk > 2;
  expect(chunksOf(loadWith({ isHeld, elapsedMs: 1999 }))).toEqual([]);
  expect(chunksOf(loadWith({ isHeld, elapsedMs: 1999, mayGrow: false }))).toEqual([0, 1, 2]);
  const late = { isHeld, elapsedMs: 2000, doneBytes: 30 * CHUNK_BYTES };
  expect(nextFromRelay(loadWith(late))[0]).toEqual({ chunk: 0, why: "unheld" });
});

test("X: a chunk that a peer let wait for two seconds comes from the relay when it is among the last", () => {
  const last = { elapsedMs: 5000, doneBytes: 98 * CHUNK_BYTES, waiting: [] };
  const asked = [
    { chunk: 98, forMs: 2000 },
    { chunk: 99, forMs: 1999 },
  ];
  expect(nextFromRelay(loadWith({ ...last, asked }))).toEqual([{ chunk: 98, why: "late" }]);
});

test("X: while others are to be had, only a chunk that waited for ten seconds is asked for twice", () => {
  const asked = [
    { chunk: 98, forMs: 9999 },
    { chunk: 99, forMs: 10_000 },
  ];
  const load = loadWith({ doneBytes: 90 * CHUNK_BYTES, waiting: [97], asked });
  expect(nextFromRelay(load)).toEqual([{ chunk: 99, why: "late" }]);
});

test("X: of a short list, whose speed nobody knows, two seconds are late", () => {
  const asked = [{ chunk: 1, forMs: 2000 }];
  const load = loadWith({ httpRate: null, chunks: 3, waiting: [2], asked });
  expect(chunksOf(load)).toEqual([1]);
});
