import type { HostBodies } from "../host-bodies.ts";
import { createHeap, type Heap } from "./heap.ts";
import type { WasmEngine, WasmMemory } from "./memory.ts";
import { createSimdBodies } from "./simd-bodies.ts";
import { assembleSimdModule, type SimdExports } from "./simd-module.ts";

/** The bodies in SIMD on a heap of their own in a memory of `engine`; null where the engine lacks SIMD. */
export function openSimd(
  engine: WasmEngine,
  memory: WasmMemory,
  { shared }: { readonly shared: boolean },
): { readonly bodies: HostBodies; readonly heap: Heap } | null {
  const choices = [true, false].map((relaxed) => assembleSimdModule({ relaxed, shared }));
  const bytes = choices.find((choice) => engine.validate(choice));
  if (bytes === undefined) return null;
  const instance = new engine.Instance(new engine.Module(bytes), { host: { memory } });
  const heap = createHeap(memory);
  return { bodies: createSimdBodies(instance.exports as SimdExports, heap), heap }; // as simd-module.ts assembles them
}
