import { expect, test } from "vitest";
import type { Piece, Snapshot } from "../../worker/api.ts";
import { READY } from "../../worker/run/snapshot-feed.ts";
import { createDataMeter } from "./data-meter.ts";

const DAY_MS = 24 * 3600_000;
const dayOf = (ms: number) => String(Math.floor(ms / DAY_MS));

function open(kept = new Map<string, string>()) {
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
  return { meter: createDataMeter(storage, dayOf), kept };
}
const snapshot = (doneBytes: number, pieces: readonly Partial<Piece>[] = []): Snapshot => ({
  ...READY,
  download: { doneBytes, totalBytes: 100 },
  pieces: pieces as Piece[], // of which the meter reads id and size
});

test("what is downloaded and sent adds up over pieces, and a new day begins at nothing", () => {
  const { meter } = open();
  meter.note(snapshot(0, [{ id: "old", sizeBytes: 1000 }]), 0);
  for (const done of [40, 100, 100])
    meter.note(snapshot(done, [{ id: "old", sizeBytes: 1000 }]), 1);
  meter.note(snapshot(30, [{ id: "a", sizeBytes: 7 }]), 2);
  expect(meter.bytes(2)).toBe(137);
  expect(meter.bytes(DAY_MS)).toBe(0);
  meter.note(snapshot(31, [{ id: "a", sizeBytes: 7 }]), DAY_MS);
  expect(meter.bytes(DAY_MS)).toBe(1);
});

test("another visit of the same day goes on counting; a damaged count begins anew", () => {
  const { meter, kept } = open();
  meter.note(snapshot(50), 1);
  const later = open(kept).meter;
  later.note(snapshot(8), 2);
  expect(later.bytes(2)).toBe(58);
  expect(open(new Map([["commonweight-bytes", '{"day":0,"bytes":"9"}']])).meter.bytes(1)).toBe(0);
});

test("where the storage is blocked or full, this visit is counted all the same", () => {
  const blocked = {
    getItem: () => {
      throw new Error("SecurityError");
    },
    setItem: () => {
      throw new Error("QuotaExceededError");
    },
  };
  const full = { ...blocked, getItem: () => '{"day":"0","bytes":30}' };
  for (const [storage, before] of [[blocked, 0] as const, [full, 30] as const]) {
    const meter = createDataMeter(storage, dayOf);
    meter.note(snapshot(40), 1);
    meter.note(snapshot(100), 2);
    expect(meter.bytes(2)).toBe(before + 100);
    expect(meter.bytes(DAY_MS)).toBe(0);
  }
});
