import type { EvaluatePackets } from "../../core/history/gate-checks.ts";
import { decodeAll } from "../../core/training/examples.ts";
import { nodeThreads } from "../../relay-server/threads/kernel-threads.ts";
import { type OpenModel, readCard } from "./open-model.ts";

/** Runs the model's versions on this machine's processor, which is opened for the first gate that is recomputed. */
export function packetRunner(model: OpenModel, signal: AbortSignal): EvaluatePackets {
  async function open() {
    const [{ recipe }, { evaluate }, { openBackend }] = await Promise.all([
      readCard(model, signal),
      import("../../core/training/evaluate.ts"),
      import("../../kernels/backend.ts"),
    ]);
    await openBackend({ prefer: "cpu", threads: nodeThreads() });
    return { architecture: recipe.architecture, evaluate };
  }
  let opened: ReturnType<typeof open> | null = null;
  return async (parameters, packets) => {
    opened ??= open();
    const { architecture, evaluate } = await opened;
    const examples = decodeAll(packets, architecture, (i) => `packet ${i}`);
    return evaluate({ architecture, parameters, examples }, { signal });
  };
}
