import { expect, test } from "vitest";
import type { RelayClient } from "../../core/protocol/client.ts";
import type { SuiteLife } from "../../core/protocol/schemas/suite.ts";
import { findSuite } from "./suite-lines.ts";

const life = (id: string, name: string, state: SuiteLife["state"]) =>
  ({ id: id.padEnd(64, "0"), header: { name }, state }) as SuiteLife;
const client = {
  suites: async () => [
    life("aaaaaaaa", "slanted", "refused"),
    life("bbbbbbbb", "slanted", "waiting"),
    life("cccccccc1", "dark", "waiting"),
    life("cccccccc2", "cccccccc1", "waiting"),
  ],
} as unknown as RelayClient;
const find = (text: string) =>
  findSuite(client, { model: "digits", text }, { signal: new AbortController().signal });

test("a suite is found by its name, the one that was not refused, and by its id", async () => {
  expect((await find("slanted")).id).toMatch(/^b/);
  expect((await find("aaaaaaaa")).state).toBe("refused");
  expect((await find("cccccccc2")).header.name).toBe("cccccccc1");
});

test("a name that reads like another suite's id is nobody's, and so is the beginning of two ids", async () => {
  for (const text of ["cccccccc1", "cccccccc"]) {
    await expect(find(text)).rejects.toThrow(`${text} is several suites of digits`);
  }
  await expect(find("other")).rejects.toThrow("digits has no suite other");
});
