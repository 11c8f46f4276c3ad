import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { openWasm as Open } from "./backend.ts";

let openWasm: typeof Open;
const threads = { count: 2, start: () => expect.unreachable("no thread without shared memory") };

beforeEach(async () => {
  vi.resetModules(); // a page opens the backend once
  ({ openWasm } = await import("./backend.ts"));
});
afterEach(() => {
  vi.unstubAllGlobals();
});

/** An engine that grants memories of at most `mostPages`, and no shared ones. */
function stubEngine(mostPages: number) {
  class Memory extends WebAssembly.Memory {
    constructor(size: WebAssembly.MemoryDescriptor) {
      if (size.shared === true || size.maximum! > mostPages) throw new RangeError("no room");
      super(size);
    }
  }
  vi.stubGlobal("WebAssembly", Object.assign(Object.create(WebAssembly), { Memory }));
}

test("a device that grants less than 4 GiB says so, and one that shares none works on one core", async () => {
  stubEngine(2 ** 11);
  expect(await openWasm(threads)).toEqual({ device: "wasm simd", maxTensorBytes: 2 ** 27 });
});

test("a device without WebAssembly has no such backend", async () => {
  vi.stubGlobal("WebAssembly", undefined);
  expect(await openWasm(threads)).toBeNull();
});

test("a device that grants no memory at all has no such backend", async () => {
  stubEngine(0);
  expect(await openWasm(threads)).toBeNull();
});
