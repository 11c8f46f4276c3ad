import { expect, test, vi } from "vitest";
import type { Head } from "../history/head.ts";
import type { PipelineParts } from "../parts.ts";
import { StorageFullError } from "../storage-error.ts";
import type { RevertRow } from "../store/tables.ts";
import { revertNext } from "./reverting.ts";

/** A relay with one revert that waits, which fails with `error`, and what was said of it. */
function failingWith(error: Error) {
  const refusals: string[] = [];
  const history = {
    nextRevert: async () => ({ contribution: "c", insists: 0 }),
    refuseRevert: async (_: RevertRow, message: string) => void refusals.push(message),
    gateTests: async () => [],
    model: async () => undefined,
    release: async () => undefined,
    standard: async () => 0,
    actCount: async () => 0,
  };
  const contributions = {
    contribution: () => Promise.reject(error),
    caughtWork: async () => [],
  };
  const status = { counts: async () => ({}), appendEvents: async () => {} };
  const stores = { history, contributions, status };
  const maps = {
    problems: new Map(),
    previews: new Map(),
    packets: new Map(),
    toldHealth: new Map(),
  };
  const fine = { problem: () => null };
  const swarm = { figures: () => null };
  const watches = { probe: fine, skew: fine, damage: fine, swarm, queue: { turnedAway: () => 0 } };
  const context = {
    ...stores,
    clock: () => 0,
    pace: { measured: () => null },
    ...watches,
    rests: async () => null,
    models: new Map(),
    ...maps,
  };
  const parts = { context } as unknown as PipelineParts; // it fails before it needs the others
  return { parts, refusals };
}
const head = { model: "tiny" } as Head;

test("H16: a revert that the relay fails at is refused, so that merging goes on", async () => {
  const told = vi.spyOn(console, "error").mockImplementation(() => {});
  const { parts, refusals } = failingWith(new Error("no such place"));
  expect(await revertNext(parts, head, new AbortController().signal)).toBe(true);
  expect(refusals).toEqual(["the relay failed at it (no such place); its log says more"]);
  expect(told).toHaveBeenCalledOnce();
  told.mockRestore();
});

test("H16: a revert waits for room on the disk, and for the relay's next start", async () => {
  const full = failingWith(new StorageFullError("full"));
  await expect(revertNext(full.parts, head, new AbortController().signal)).rejects.toThrow("full");
  const closing = failingWith(new Error("aborted"));
  await expect(revertNext(closing.parts, head, AbortSignal.abort())).rejects.toThrow("aborted");
  expect([...full.refusals, ...closing.refusals]).toEqual([]);
});
