import { applyDeltaStep, type DeltaStep, encodeDeltaStep } from "./delta-step.ts";
import type { Layout } from "./layout.ts";
import { type NamedCheckpoint, nameCheckpoint } from "./manifest.ts";

/** The name of a checkpoint, and the file of the delta step that leads to it. */
export type NextCheckpoint = {
  readonly named: NamedCheckpoint;
  readonly stepBytes: Uint8Array<ArrayBuffer>;
};

/** What `step` makes of `parameters` [N], which stay as they are. */
export async function encodeNext(
  layout: Layout,
  parameters: Float32Array,
  step: DeltaStep,
): Promise<NextCheckpoint> {
  const stepBytes = encodeDeltaStep(step, layout.size);
  return { named: await nameCheckpoint(layout, applyDeltaStep(parameters, step)), stepBytes };
}
