import "@tensorflow/tfjs-backend-cpu";
import {
  getKernelsForBackend,
  type KernelConfig,
  registerBackend,
  registerKernel,
  setBackend,
} from "@tensorflow/tfjs-core";
import { type HostMemory, isHostOperation, registerHostOperations } from "../host-operations.ts";
import { HeapBackend } from "./heap-backend.ts";
import { openWasmMemory, wasmEngine } from "./memory.ts";
import { openSimd } from "./open-simd.ts";
import { sliceMatrix } from "./slice.ts";
import { shareBodies, type ThreadStarter } from "./thread-team.ts";

const hostMemory: HostMemory<HeapBackend> = {
  make: (wasm, shape, dtype) => wasm.make(shape, dtype === "int32" ? "int32" : "float32"),
  floats: (wasm, tensor) => wasm.inPlace(tensor) as Float32Array, // dtype float32
  integers: (wasm, tensor) => wasm.inPlace(tensor) as Int32Array, // dtype int32
};

/** The device in words, and the most bytes that one tensor may have. */
type Opened = { readonly device: string; readonly maxTensorBytes: number };
let opened: Opened | null = null;

/**
 * Open the processor's backend: our SIMD on a heap of our own, and tfjs's JavaScript for what is not heavy. With `threads` they
 * share the heavy calls, if the device grants a shared memory. Null where WebAssembly or its SIMD does not run.
 */
export async function openWasm(threads: ThreadStarter | null): Promise<Opened | null> {
  const starter = threads !== null && threads.count > 0 ? threads : null;
  opened ??= (starter !== null ? register(starter) : null) ?? register(null);
  return opened !== null && (await setBackend("wasm")) ? opened : null;
}

function register(starter: ThreadStarter | null): Opened | null {
  const engine = wasmEngine();
  const shared = starter !== null;
  if (engine === null) return null;
  const granted = openWasmMemory(engine, { shared });
  if (granted === null) return null;
  const { memory, maxBytes: maxTensorBytes } = granted;
  const simd = openSimd(engine, memory, { shared });
  if (simd === null) return null;
  for (const kernel of getKernelsForBackend("cpu")) {
    if (!isHostOperation(kernel.kernelName)) registerKernel(adopted(kernel));
  }
  const bodies = starter === null ? simd.bodies : shareBodies(simd.bodies, memory, starter);
  registerHostOperations("wasm", hostMemory, bodies);
  registerBackend("wasm", () => new HeapBackend(simd.heap));
  const device = starter === null ? "wasm simd" : `wasm simd, ${starter.count + 1} threads`;
  return { device, maxTensorBytes };
}

/** tfjs's JavaScript as the backend's, but for what it does slowly. */
function adopted(kernel: KernelConfig): KernelConfig {
  const { kernelName, kernelFunc } = kernel;
  if (kernelName !== "Slice") return { ...kernel, backendName: "wasm" };
  return {
    kernelName,
    backendName: "wasm",
    kernelFunc: (call) => sliceMatrix(call) ?? kernelFunc(call),
  };
}
