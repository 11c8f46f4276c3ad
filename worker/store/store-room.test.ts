import { expect, test } from "vitest";
import { blobsToEvict, writeIfRoom, writeWithRoom } from "./store-room.ts";

const blob = (sha256: string, sizeBytes: number, usedAt: number) => ({ sha256, sizeBytes, usedAt });

test("the least recently used blobs go first, and no more than must", () => {
  const blobs = [blob("new", 4, 30), blob("old", 4, 10), blob("middle", 4, 20)];
  expect(blobsToEvict(blobs, 12)).toEqual([]);
  expect(blobsToEvict(blobs, 11)).toEqual(["old"]);
  expect(blobsToEvict(blobs, 4)).toEqual(["old", "middle"]);
  expect(blobsToEvict(blobs, 0)).toEqual(["old", "middle", "new"]);
});

/** A device whose writes fail with `error` until room was made `rounds` times. */
function device(error: Error, rounds: number) {
  const log: string[] = [];
  return {
    log,
    write: async () => {
      log.push("write");
      if (log.filter((entry) => entry === "room").length < rounds) throw error;
    },
    makeRoom: async () => {
      log.push("room");
    },
  };
}
const quota = new DOMException("full", "QuotaExceededError");
const noSpace = Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });

test.each([quota, noSpace])("a full device gets room and a second try (%s)", async (error) => {
  const { log, write, makeRoom } = device(error, 1);
  await writeWithRoom(write, makeRoom);
  expect(log).toEqual(["write", "room", "write"]);
});

test("a device that stays full loses a cache entry in silence, an outbox entry never", async () => {
  const full = device(quota, 2);
  await writeIfRoom(full.write, full.makeRoom);
  await expect(writeWithRoom(full.write, full.makeRoom)).resolves.toBeUndefined();
  const always = device(quota, 9);
  await expect(writeWithRoom(always.write, always.makeRoom)).rejects.toBe(quota);
});

test("another failure is not taken for a full device", async () => {
  const broken = device(new Error("I/O error"), 1);
  await expect(writeIfRoom(broken.write, broken.makeRoom)).rejects.toThrow("I/O error");
  expect(broken.log).toEqual(["write"]);
});
