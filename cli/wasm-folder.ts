import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Where tfjs's wasm binaries lie, for `openBackend`. */
export function wasmFolder(): string {
  const require = createRequire(import.meta.url);
  return join(dirname(require.resolve("@tensorflow/tfjs-backend-wasm/package.json")), "dist/");
}
