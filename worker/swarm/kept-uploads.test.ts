import { expect, test } from "vitest";
import { type ExchangedBytes, NOTHING_EXCHANGED, sumExchanged } from "../store/store.ts";
import { keepUploads } from "./kept-uploads.ts";
import { createUploads } from "./uploads.ts";

const MIB = 1 << 20;

/** A browser's store, and visits of it. */
function openBrowser() {
  let sums = NOTHING_EXCHANGED;
  const stage = { isFull: false };
  const store = {
    exchanged: async () => sums,
    async addExchanged(exchanged: ExchangedBytes) {
      if (stage.isFull) throw new Error("the disk is full");
      sums = sumExchanged(sums, exchanged);
    },
  };
  return {
    stage,
    visit: () => keepUploads(createUploads({ steadyMs: () => 0, isTraining: () => false }), store),
  };
}

test("X7: over all visits no more goes than came", async () => {
  const { visit } = openBrowser();
  const first = visit();
  first.receive(3 * MIB);
  expect(first.reserve(2 * MIB)).toBe(0);
  await first.recall();
  expect(first.reserve(2 * MIB)).toBe(null); // what is in the store is not counted twice

  const second = visit();
  expect(second.reserve(MIB)).toBe(null);
  await second.recall();
  expect(second.reserve(2 * MIB)).toBe(null);
  expect(second.reserve(MIB)).toBe(0);
});

test("X7: what was not sent after all may go in a later visit", async () => {
  const { visit } = openBrowser();
  const first = visit();
  first.receive(2 * MIB);
  first.reserve(2 * MIB);
  first.giveBack(MIB);
  await first.recall();
  const second = visit();
  await second.recall();
  expect(second.reserve(2 * MIB)).toBe(null);
  expect(second.reserve(MIB)).toBe(0);
});

test("X7: what another tab gave meanwhile counts", async () => {
  const { visit } = openBrowser();
  const [one, two] = [visit(), visit()];
  one.receive(MIB);
  await one.recall();
  await two.recall();
  expect(two.reserve(MIB)).toBe(0);
  await two.recall();
  await one.recall();
  expect(one.reserve(1)).toBe(null);
});

test("X7: where the store keeps nothing, this visit's bytes count all the same", async () => {
  const { stage, visit } = openBrowser();
  stage.isFull = true;
  const uploads = visit();
  uploads.receive(MIB);
  await uploads.recall();
  expect(uploads.reserve(MIB)).toBe(0);
  expect(uploads.reserve(1)).toBe(null);
});
