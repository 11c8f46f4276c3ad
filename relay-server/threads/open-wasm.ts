import { createRequire } from "node:module";
import { dirname } from "node:path";
import { openBackend } from "../../kernels/backend.ts";

/** Open the processor's backend, of which every thread has its own. */
export async function openThreadWasm(): Promise<void> {
  const wasm = createRequire(import.meta.url).resolve(
    "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm",
  );
  await openBackend({ prefer: "cpu", wasmFolder: `${dirname(wasm)}/` });
}
