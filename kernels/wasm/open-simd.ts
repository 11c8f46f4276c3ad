import type { HostBodies } from "../host-bodies.ts";
import { createHeap, type Heap } from "./heap.ts";
import { type WasmMemory, wasmEngine } from "./memory.ts";
import { createSimdBodies } from "./simd-bodies.ts";
import { assembleSimdModule, type SimdExports } from "./simd-module.ts";

/** The bodies in SIMD on a heap of their own in `memory`; null where the engine lacks SIMD. */
export function openSimd(
  memory: WasmMemory,
  { shared }: { readonly shared: boolean },
): { readonly bodies: HostBodies; readonly heap: Heap } | null {
  const engine = wasmEngine();
  const choices = [true, false].map((relaxed) => assembleSimdModule({ relaxed, shared }));
  const bytes = choices.find((choice) => engine?.validate(choice));
  if (engine === null || bytes === undefined) return null;
  const instance = new engine.Instance(new engine.Module(bytes), { host: { memory } });
  const heap = createHeap(memory);
  return { bodies: createSimdBodies(instance.exports as SimdExports, heap), heap }; // as simd-module.ts assembles them
}
