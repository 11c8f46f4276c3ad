import { afterEach, expect, test } from "vitest";
import { createEngine } from "../../../worker/engine.ts";

const { submit } = GPUQueue.prototype;
afterEach(() => {
  GPUQueue.prototype.submit = submit;
});

test("a GPU that computes wrong fails its check, and the processor takes over and says why", async () => {
  GPUQueue.prototype.submit = () => {}; // every program is dropped: all results are 0
  const engine = createEngine(`${location.origin}/engine/wasm/`);
  const open = await engine.open("webgpu");
  expect(open.name).toBe("wasm");
  expect(open.fallback).toMatch(/^This graphics device failed its check \(.+: value \d+ is 0, not/);
});
