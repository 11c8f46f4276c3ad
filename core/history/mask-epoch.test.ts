import { expect, test } from "vitest";
import type { Mask } from "../protocol/schemas/mask.ts";
import type { VersionRecord } from "../protocol/schemas/version.ts";
import { isEpochOver, maskSeed, nextMask } from "./mask-epoch.ts";

const SIZE = 100_000;
const policy = { kind: "random", density: 0.02, epochVersions: 3 } as const;

/** A parent of this number with this mask; nothing else of the record matters here. */
function parentOf(number: number, mask: Mask) {
  const record: VersionRecord = {
    format: "commonweight.version/1",
    model: "digits",
    number,
    parent: null,
    createdAt: 0,
    relayKey: "11".repeat(32),
    checkpoint: "22".repeat(32),
    mask,
    merge: null,
    evaluation: { report: { examples: 1, lossNats: 1, accuracy: 0 }, gate: null },
  };
  return { id: (number + 1).toString(16).padStart(64, "0"), record };
}

const goesOn = { isOver: false, shared: null };

test("M5: the seed follows from the parent's id; version 0's from zeros", async () => {
  // From tests/golden/formats.py, a second implementation.
  expect(await maskSeed(null)).toBe("a741bd488124b5fb0675f47abcdf9132");
  expect(await maskSeed("aa".repeat(32))).toBe("1999ec85e2be2655a53473df7d5b7ed5");
});

test("M6: an epoch's versions share a mask, and the next epoch has another", async () => {
  const masks: Mask[] = [];
  for (let number = 0; number < 7; number++) {
    const parent = number === 0 ? null : parentOf(number - 1, masks[number - 1]!);
    masks.push(await nextMask(parent, policy, SIZE, { isOver: number % 3 === 0, shared: null }));
  }
  const seeds = masks.map((mask) => (mask.kind === "random" ? mask.seed : mask.kind));
  expect(seeds.map((seed) => seeds.indexOf(seed))).toEqual([0, 0, 0, 3, 3, 3, 6]);
  expect(masks.every(({ count }) => count === 2000)).toBe(true);
});

test("M6: a recipe that asks for another count or kind begins an epoch at once", async () => {
  const first = await nextMask(null, policy, SIZE, goesOn);
  const denser = await nextMask(parentOf(0, first), { ...policy, density: 0.05 }, SIZE, goesOn);
  expect(denser).toMatchObject({ kind: "random", count: 5000 });
  expect(denser).not.toMatchObject({ seed: (first as { seed: string }).seed });
  const own = await nextMask(parentOf(0, first), { ...policy, kind: "own" }, SIZE, goesOn);
  expect(own).toEqual({ kind: "own", count: 2000 });
  expect((await nextMask(parentOf(0, own), policy, SIZE, goesOn)).kind).toBe("random");
});

test("M6: a mask has at least one position and at most all", async () => {
  expect((await nextMask(null, { ...policy, density: 1e-9 }, SIZE, goesOn)).count).toBe(1);
  expect((await nextMask(null, { ...policy, density: 1 }, SIZE, goesOn)).count).toBe(SIZE);
});

test("M6: shared positions begin with an epoch, and stay to its end", async () => {
  const recipe = { ...policy, kind: "shared" } as const;
  const shared = { positions: "b".repeat(64), count: 1990 };
  const first = await nextMask(null, recipe, SIZE, { isOver: true, shared: null });
  expect(first.kind).toBe("random");
  const kept = await nextMask(parentOf(0, first), recipe, SIZE, { isOver: false, shared });
  expect(kept).toEqual(first);
  const second = await nextMask(parentOf(1, first), recipe, SIZE, { isOver: true, shared });
  expect(second).toEqual({ kind: "shared", ...shared });
});

test("M6: an epoch lasts until four fifths of its work arrive in time", () => {
  const isOver = (versions: number, arrived: number, outstanding: number) =>
    isEpochOver({ versions, arrived, outstanding }, policy);
  expect(isOver(3, 40, 10)).toBe(true);
  expect(isOver(3, 40, 11)).toBe(false);
  expect(isOver(2, 4000, 0)).toBe(false);
  expect(isOver(3, 0, 0)).toBe(true);
});
