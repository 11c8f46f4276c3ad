import { expect, test } from "vitest";
import type { ShardRow, VersionRow } from "../store/tables.ts";
import { createStock } from "./stock.ts";

/** A history that counts how often it is asked for a version. */
function countingHistory() {
  const asked: number[] = [];
  let fails = false;
  const history = {
    async version(_: string, number: number) {
      asked.push(number);
      if (fails) throw new Error("the ledger is away");
      const mask = JSON.stringify({ kind: "own", count: 5 });
      return { number, id: `${number}`, checkpoint: `c${number}`, mask } as VersionRow;
    },
    shards: async () => [{ position: 0, assigned: 0 } as ShardRow],
  };
  return {
    history,
    asked,
    setFails(value: boolean) {
      fails = value;
    },
  };
}

test("a head's materials are read once for all who ask within a minute, and for each head anew", async () => {
  const { history, asked } = countingHistory();
  let now = 0;
  const stock = createStock(history, () => now);
  const [first, second] = await Promise.all([
    stock.materials("tiny", 3),
    stock.materials("tiny", 3),
  ]);
  expect(first).toBe(second);
  expect(first).toMatchObject({
    base: { number: 3, id: "3", checkpoint: "c3" },
    mask: { kind: "own", count: 5 },
  });
  expect((await stock.materials("tiny", 4)).base.id).toBe("4");
  now = 59_999;
  await stock.materials("tiny", 4);
  expect(asked).toEqual([3, 4]);
  now = 60_000; // other relays have handed out shards meanwhile
  await stock.materials("tiny", 4);
  expect(asked).toEqual([3, 4, 4]);
  stock.forget("tiny"); // a maintainer added shards
  await stock.materials("tiny", 4);
  expect(asked).toEqual([3, 4, 4, 4]);
});

test("what could not be read is asked for again by the next one", async () => {
  const { history, asked, setFails } = countingHistory();
  const stock = createStock(history, () => 0);
  setFails(true);
  await expect(stock.materials("tiny", 0)).rejects.toThrow("away");
  setFails(false);
  expect((await stock.materials("tiny", 0)).base.number).toBe(0);
  expect(asked).toEqual([0, 0]);
});
