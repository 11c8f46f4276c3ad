import { expect, test } from "vitest";
import { CHUNK_BYTES } from "../protocol/limits.ts";
import { type LoadState, nextFromRelay } from "./pace.ts";

const range = (count: number, first = 0) => Array.from({ length: count }, (_, i) => first + i);
const RATE = CHUNK_BYTES / 100; // a chunk in 100 ms

/** A load of 100 chunks that just began, whose peers have everything; HTTP alone takes 10 s, a tenth more is 11 s. */
const loadWith = (changes: Partial<LoadState>): LoadState => ({
  chunks: 100,
  totalBytes: 100 * CHUNK_BYTES,
  doneBytes: 0,
  elapsedMs: 0,
  graceMs: 0,
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
const DUE_MS = 900; // from then on, the relay has 100 ms to begin and 10 s for all
/** So many chunks after what the relay alone would have to bring. */
const behind = (count: number) => ({ elapsedMs: DUE_MS + 100 * count });

test("X6: one chunk of a long list tells how fast HTTP is, and more of a short one, whose tenth is over sooner", () => {
  expect(nextFromRelay(loadWith({ httpRate: null }))).toEqual([{ chunk: 0, why: "probe" }]);
  expect(chunksOf(loadWith({ httpRate: null, lanes: 1 }))).toEqual([]);
  const short = { httpRate: null, chunks: 20, waiting: range(20) };
  expect(chunksOf(loadWith(short))).toEqual([0, 1]);
  expect(chunksOf(loadWith({ ...short, lanes: 1 }))).toEqual([0]);
  expect(chunksOf(loadWith({ ...short, chunks: 3, waiting: range(3) }))).toEqual([0, 1, 2]);
});

test("X6: a load that has time learns nothing from the relay while its peers bring what it needs", () => {
  expect(chunksOf(loadWith({ httpRate: null, chunks: 3, graceMs: 2000 }))).toEqual([]);
});

test("X6: the relay is idle until it alone would need all the time that is left, and a tenth of a second", () => {
  expect(chunksOf(loadWith({ elapsedMs: DUE_MS }))).toEqual([]);
  expect(nextFromRelay(loadWith({ elapsedMs: DUE_MS + 1 }))).toEqual([{ chunk: 0, why: "behind" }]);
  expect(chunksOf(loadWith({ elapsedMs: DUE_MS + 2000, graceMs: 2000 }))).toEqual([]);
});

test("X6: the relay brings as many chunks as the load is behind, and no more", () => {
  const done = (chunks: number) => loadWith({ ...behind(10), doneBytes: chunks * CHUNK_BYTES });
  expect(nextFromRelay(done(8)).map(({ why }) => why)).toEqual(["behind", "behind"]);
  expect(chunksOf({ ...done(8), lanes: 1, laneBytes: CHUNK_BYTES })).toHaveLength(1);
  expect(chunksOf({ ...done(8), lanes: 2, laneBytes: 2 * CHUNK_BYTES })).toEqual([]);
  expect(chunksOf(done(0))).toHaveLength(4); // that many requests at once
  expect(chunksOf(done(10))).toEqual([]);
});

test("X6: chunks of other sizes are asked for until their bytes make up for what the load is behind", () => {
  const sized = (share: number) => loadWith({ ...behind(3), sizeBytes: () => share * CHUNK_BYTES });
  expect(chunksOf(sized(4))).toEqual([0]);
  expect(chunksOf({ ...sized(4), lanes: 1, laneBytes: 4 * CHUNK_BYTES })).toEqual([]);
  expect(chunksOf(sized(0.75))).toEqual([0, 1, 2, 3]);
  expect(chunksOf({ ...sized(0.75), lanes: 2, laneBytes: 1.5 * CHUNK_BYTES })).toEqual([0, 1]);
});

test("X6: of what it owes, the relay brings first what no peer has, and last what peers have nearly sent", () => {
  const isHeld = (chunk: number) => chunk !== 70;
  expect(chunksOf(loadWith({ ...behind(2), isHeld }))).toEqual([70, 0]);
  const asked = [
    { chunk: 7, silentMs: 0, leftBytes: CHUNK_BYTES / 4 },
    { chunk: 8, silentMs: 0, leftBytes: CHUNK_BYTES / 2 },
  ];
  expect(chunksOf(loadWith({ ...behind(1.4), waiting: [70], asked }))).toEqual([70, 8]);
});

test("X6: what no peer has comes from the relay, once no other peer is to be expected", () => {
  const isHeld = (chunk: number) => chunk > 2;
  const slow = { isHeld, httpRate: RATE / 10 };
  expect(chunksOf(loadWith({ ...slow, elapsedMs: 1999 }))).toEqual([]);
  expect(chunksOf(loadWith({ ...slow, elapsedMs: 1999, mayGrow: false }))).toEqual([0, 1, 2]);
  expect(nextFromRelay(loadWith({ ...slow, elapsedMs: 2000 }))[0]).toEqual({
    chunk: 0,
    why: "unheld",
  });
});

test("X6: a chunk of which nothing came for two seconds comes from the relay when it is among the last", () => {
  const last = { elapsedMs: 5000, doneBytes: 98 * CHUNK_BYTES, waiting: [] };
  const asked = [
    { chunk: 98, silentMs: 2000, leftBytes: CHUNK_BYTES },
    { chunk: 99, silentMs: 1999, leftBytes: CHUNK_BYTES },
  ];
  expect(nextFromRelay(loadWith({ ...last, asked }))).toEqual([{ chunk: 98, why: "late" }]);
});

test("X6: while others are to be had, only a chunk of which nothing came for ten seconds is asked for twice", () => {
  const asked = [
    { chunk: 98, silentMs: 9999, leftBytes: CHUNK_BYTES },
    { chunk: 99, silentMs: 10_000, leftBytes: CHUNK_BYTES },
  ];
  const load = loadWith({ doneBytes: 90 * CHUNK_BYTES, waiting: [97], asked });
  expect(nextFromRelay(load)).toEqual([{ chunk: 99, why: "late" }]);
});

test("X6: where nobody knows HTTP's speed, two seconds are late", () => {
  const asked = [{ chunk: 1, silentMs: 2000, leftBytes: CHUNK_BYTES }];
  const load = { httpRate: null, graceMs: 2000, chunks: 3, waiting: [2], asked };
  expect(chunksOf(loadWith(load))).toEqual([1]);
});
