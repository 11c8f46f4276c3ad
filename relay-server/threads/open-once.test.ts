import { expect, test } from "vitest";
import { openOnce } from "./open-once.ts";

test("it is opened once for all, and again only after it failed", async () => {
  let tries = 0;
  const open = openOnce(async () => {
    tries++;
    if (tries === 1) throw new Error("no memory");
    return tries;
  });
  const failures = await Promise.allSettled([open(), open()]);
  expect(failures.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(tries).toBe(1);
  expect(await Promise.all([open(), open()])).toEqual([2, 2]);
  expect(await open()).toBe(2);
});
