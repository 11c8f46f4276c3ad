import { type BackendWasm, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { backend, env, setBackend } from "@tensorflow/tfjs-core";
import { type HostBodies, plainBodies } from "../host-bodies.ts";
import { type HostMemory, registerHostOperations } from "../host-operations.ts";
import type { WasmMemory } from "./heap.ts";
import { createSimdBodies } from "./simd-bodies.ts";
import { assembleSimdModule, type SimdExports } from "./simd-module.ts";

const hostMemory: HostMemory<BackendWasm> = {
  make: (wasm, shape, dtype) => wasm.makeOutput(shape, dtype),
  floats: (wasm, tensor) => wasm.typedArrayFromHeap(tensor) as Float32Array, // dtype float32
  integers: (wasm, tensor) => wasm.typedArrayFromHeap(tensor) as Int32Array, // dtype int32
};

let device: string | null = null; // in words, once the backend was opened

/**
 * Open tfjs's wasm backend with our kernels on its heap; null where WebAssembly does not run. Returns the
 * device's words. tfjs's own product is no choice: where a weight is stored [outputs, inputs] it is ten
 * times slower than ours, and where not it keeps a copy of the weight that we then change.
 */
export async function openWasm(folder: string): Promise<string | null> {
  if (device === null) {
    // Threads would need workers from blob: addresses, which the page's policy refuses.
    env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
    setWasmPaths(folder.endsWith("/") ? folder : `${folder}/`);
  }
  if (!(await setBackend("wasm"))) return null;
  if (device === null) {
    const simd = await instantiateSimd(backend() as BackendWasm); // the one that was just set
    device = simd === null ? "wasm" : "wasm simd";
    registerHostOperations("wasm", hostMemory, simd ?? plainBodies);
  }
  return device;
}

/** What we use of the Emscripten module inside tfjs's backend. */
type HeapModule = {
  readonly asm: { readonly memory?: WasmMemory };
  _malloc(bytes: number): number;
  _free(address: number): void;
};

/** What we use of WebAssembly, which not every room's types know. */
type Engine = {
  validate(bytes: Uint8Array<ArrayBuffer>): boolean;
  instantiate(
    bytes: Uint8Array<ArrayBuffer>,
    imports: { readonly host: { readonly memory: WasmMemory } },
  ): Promise<{ readonly instance: { readonly exports: unknown } }>;
};

/** Null where the engine lacks SIMD. */
async function instantiateSimd({ wasm }: BackendWasm): Promise<HostBodies | null> {
  const engine = (globalThis as unknown as { WebAssembly: Engine }).WebAssembly; // tfjs's backend runs on it
  const { asm, _malloc, _free } = wasm as unknown as HeapModule; // tfjs types the parts that it uses
  const { memory } = asm;
  const choices = [true, false].map((relaxed) => assembleSimdModule({ relaxed }));
  const bytes = choices.find((choice) => engine.validate(choice));
  if (memory === undefined || bytes === undefined) return null;
  const { instance } = await engine.instantiate(bytes, { host: { memory } });
  const simd = instance.exports as SimdExports; // as simd-module.ts assembles them
  return createSimdBodies(simd, {
    memory,
    allocate: (size) => _malloc(size) >>> 0,
    free: _free,
  });
}
