import { expect, test, vi } from "vitest";
import { eventually } from "../tests/fixtures/eventually.ts";
import type { RelayContext } from "./context.ts";
import { startPipeline } from "./loop.ts";
import type { PipelineParts } from "./parts.ts";

/** The five stores, each of whose methods is the one of its name in `known`, or `otherwise`. */
function storesWith(otherwise: () => Promise<unknown>, known: object = {}) {
  const store = new Proxy(known, { get: (_, name) => Reflect.get(known, name) ?? otherwise });
  return { tickets: store, contributions: store, history: store, people: store, status: store };
}

const leases = { fenceOf: () => 1, renew: async () => {}, close: async () => {} };

test("a ledger that answers nothing is a problem that is told, not the end of the relay", async () => {
  const told = vi.spyOn(console, "error").mockImplementation(() => {});
  const broken = async () => {
    throw new Error("no answer");
  };
  const problems = new Map<string, string>();
  const context = {
    ...storesWith(broken),
    clock: () => 0,
    models: new Map([["tiny", {}]]),
    problems,
    toldHealth: new Map(),
    nextMasks: new Map(),
  } as unknown as RelayContext; // of the parts, a step that fails at once needs no more
  const stepped = Promise.withResolvers<void>();
  const hub = { wake: () => stepped.resolve() };
  const pipeline = startPipeline({ context, hub, leases } as unknown as PipelineParts);
  await stepped.promise;
  expect(problems.get("tiny")).toBe("an internal error");
  expect(told).toHaveBeenCalledWith(expect.objectContaining({ message: "no answer" }));
  await pipeline.close();
  told.mockRestore();
});

test("a model that answers nothing keeps no other from its work", async () => {
  const told = vi.spyOn(console, "error").mockImplementation(() => {});
  const stepped = Promise.withResolvers<string>();
  const stores = storesWith(async () => [], {
    nextSpotCheck: async () => undefined,
    // the slow one never comes back from its first question
    model: (id: string) => (id === "slow" ? new Promise(() => {}) : Promise.reject(new Error(id))),
  });
  const context = {
    ...stores,
    clock: () => 0,
    models: new Map([
      ["slow", {}],
      ["tiny", {}],
    ]),
    problems: { get: () => undefined, set: (id: string) => stepped.resolve(id) },
    toldHealth: new Map(),
    nextMasks: new Map(),
  } as unknown as RelayContext;
  startPipeline({ context, hub: { wake() {} }, leases } as unknown as PipelineParts);
  expect(await stepped.promise).toBe("tiny");
  await eventually(() => expect(told).toHaveBeenCalledTimes(2)); // the step, and the event that tells of it
  told.mockRestore();
});

test("H41: a relay that does not publish a model says nothing of how it goes", async () => {
  const problems = new Map([["tiny", "the other relay's disk is full"]]);
  const told = vi.fn();
  const asked = Promise.withResolvers<void>();
  const context = {
    ...storesWith(told),
    clock: () => 0,
    models: new Map([["tiny", {}]]),
    problems,
    toldHealth: new Map(),
    nextMasks: new Map(),
  } as unknown as RelayContext;
  const outlooks = { next: () => asked.resolve() };
  const others = { ...leases, fenceOf: () => null };
  const parts = { context, hub: { wake: told }, leases: others, outlooks };
  const pipeline = startPipeline(parts as unknown as PipelineParts);
  await asked.promise;
  await pipeline.close();
  expect(problems.get("tiny")).toBe("the other relay's disk is full");
  expect(told).not.toHaveBeenCalled();
});
