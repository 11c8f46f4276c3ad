import { expect, test } from "vitest";
import { createRests } from "./rests.ts";

const MINUTE_MS = 60_000;
const place = { model: "tiny", head: 3, cohortSize: 10 };

function restsAfter(count: number, lastAt: number) {
  let now = lastAt;
  const asked: number[] = [];
  const vainWork = async (_: string, head: number) => {
    asked.push(head);
    return { count: head === 3 ? count : 0, lastAt };
  };
  return { rests: createRests({ vainWork }, () => now), asked, at: (ms: number) => (now = ms) };
}

test("H27: a model rests for a minute after a cohort that came to nothing, then work is tried again", async () => {
  const { rests, at } = restsAfter(10, 5000);
  expect(await rests(place)).toEqual({ count: 10, leftMs: MINUTE_MS });
  at(5000 + MINUTE_MS - 1);
  expect(await rests(place)).toEqual({ count: 10, leftMs: 1 });
  at(5000 + MINUTE_MS);
  expect(await rests(place)).toEqual({ count: 10, leftMs: 0 });
});

test("H27: a new version does not rest, and what is known is asked for once a second", async () => {
  const { rests, asked, at } = restsAfter(10, 5000);
  await rests(place);
  await rests(place);
  expect(await rests({ ...place, head: 4 })).toBeNull();
  at(6000);
  await rests(place);
  expect(asked).toEqual([3, 4, 3]);
});

test("H27: a clock that was set back makes nobody wait for longer than the longest rest", async () => {
  const { rests, at } = restsAfter(10, 100 * MINUTE_MS);
  at(0);
  expect(await rests(place)).toEqual({ count: 10, leftMs: 0 });
});
