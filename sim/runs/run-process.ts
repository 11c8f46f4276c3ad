/** A process that runs one spec after another for the preset that started it. */
import { openBackend } from "../../kernels/backend.ts";
import { runSpec } from "./run-spec.ts";
import type { RunSpec } from "./spec.ts";

const opened = openBackend({ prefer: "cpu" });

process.on("message", async (spec: RunSpec) => {
  await opened;
  process.send?.(await runSpec(spec));
});
