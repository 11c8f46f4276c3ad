import { expect, test, vi } from "vitest";
import type { RelayContext } from "./context.ts";
import { type PipelineParts, startPipeline } from "./loop.ts";
import type { Ledger } from "./store/ledger.ts";

test("a ledger that answers nothing is a problem that is told, not the end of the relay", async () => {
  const told = vi.spyOn(console, "error").mockImplementation(() => {});
  const broken = async () => {
    throw new Error("no answer");
  };
  const problems = new Map<string, string>();
  const context = {
    ledger: new Proxy({} as Ledger, { get: () => broken }),
    clock: () => 0,
    models: new Map([["tiny", {}]]),
    problems,
    toldHealth: new Map(),
  } as unknown as RelayContext; // of the parts, a step that fails at once needs no more
  const stepped = Promise.withResolvers<void>();
  const hub = { wake: () => stepped.resolve() };
  const pipeline = startPipeline({ context, hub } as unknown as PipelineParts);
  await stepped.promise;
  expect(problems.get("tiny")).toBe("an internal error");
  expect(told).toHaveBeenCalledWith(expect.objectContaining({ message: "no answer" }));
  await pipeline.close();
  told.mockRestore();
});
