import { type BackendWasm, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { env, getBackend, setBackend } from "@tensorflow/tfjs-core";
import { plainBodies } from "../host-bodies.ts";
import { type HostMemory, registerHostOperations } from "../host-operations.ts";

const memory: HostMemory<BackendWasm> = {
  make: (backend, shape, dtype) => backend.makeOutput(shape, dtype),
  floats: (backend, tensor) => backend.typedArrayFromHeap(tensor) as Float32Array, // dtype float32
  integers: (backend, tensor) => backend.typedArrayFromHeap(tensor) as Int32Array, // dtype int32
};

registerHostOperations("wasm", memory, plainBodies);

/** Open tfjs's wasm backend; null where WebAssembly does not run. Returns the device's words. */
export async function openWasm(folder: string): Promise<string | null> {
  if (getBackend() !== "wasm") {
    // Threads would need workers from blob: addresses, which the page's policy refuses, and sum in no fixed order.
    env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
    setWasmPaths(folder.endsWith("/") ? folder : `${folder}/`);
    if (!(await setBackend("wasm"))) return null;
  }
  return (await env().getAsync("WASM_HAS_SIMD_SUPPORT")) ? "wasm simd" : "wasm";
}
