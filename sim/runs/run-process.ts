/** A process that runs one spec after another for the preset that started it. */
import { openBackend } from "../../kernels/backend.ts";
import { WASM_FOLDER } from "../../tests/fixtures/wasm-folder.ts";
import { runSpec } from "./run-spec.ts";
import type { RunSpec } from "./spec.ts";

const opened = openBackend({ prefer: "cpu", wasmFolder: WASM_FOLDER });

process.on("message", async (spec: RunSpec) => {
  await opened;
  process.send?.(await runSpec(spec));
});
