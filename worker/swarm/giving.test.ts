import { expect, test } from "vitest";
import { sha256 } from "../../core/crypto/signature.ts";
import type { SwarmOrder } from "../api.ts";
import { createGiving, type GivingParts } from "./giving.ts";

const MIB = 1 << 20;
const bytes = new Uint8Array(MIB);
const id = await sha256(bytes);

/** A device that has one chunk and was given room for so many MiB. */
function device(room: number) {
  const orders: SwarmOrder[] = [];
  const told: [string, number][] = [];
  let free = room * MIB;
  const parts = {
    store: { blob: async () => bytes },
    platform: { sleep: async () => {} },
    holdings: { chunk: (asked: string) => (asked === id ? { sizeBytes: MIB } : null), remove() {} },
    uploads: {
      reserve(size: number) {
        if (free < size) return null;
        free -= size;
        return 0;
      },
      giveBack(size: number) {
        free += size;
      },
    },
  } as unknown as GivingParts;
  const { signal } = new AbortController();
  const road = { order: (order: SwarmOrder) => void orders.push(order) };
  const giving = createGiving(road, parts, signal, (peer, size) => told.push([peer, size]));
  return { giving, orders, told, freeMib: () => free / MIB };
}

test("X7: a peer that leaves takes nothing of the room with it", async () => {
  const { giving, told, freeMib } = device(2);
  await giving.serve("ada", 1, id);
  await giving.serve("ada", 2, id);
  expect(freeMib()).toBe(0);
  giving.left("ada");
  expect(freeMib()).toBe(2);
  expect(told).toEqual([
    ["ada", 0],
    ["ada", 0],
  ]);
});

test("X7: a peer that never reads holds two chunks and no more", async () => {
  const { giving, orders, freeMib } = device(9);
  for (const request of [1, 2, 3, 4]) await giving.serve("ada", request, id);
  await giving.serve("bob", 1, id);
  expect(orders.map(({ kind }) => kind)).toEqual(["serve", "serve", "refuse", "refuse", "serve"]);
  expect(freeMib()).toBe(6);
  giving.close();
  expect(freeMib()).toBe(9);
});

test("what was sent in part is given back in part", async () => {
  const { giving, told, freeMib } = device(1);
  await giving.serve("ada", 1, id);
  giving.sent("ada", 1, MIB / 4);
  expect(freeMib()).toBe(0.75);
  expect(told).toEqual([["ada", MIB / 4]]);
});
