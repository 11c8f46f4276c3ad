import type { Run } from "../run/session.ts";
import type { TurnOptions } from "../run/turns.ts";
import { describeFault } from "../run/words.ts";
import type { Engine, RunningEngine } from "./engine.ts";

const TRUSTED_MS = 7 * 24 * 3_600_000; // a new driver may show in nothing that a page can see

/**
 * Open the engine on a device that computes what it should: one that passed its check this week, with the
 * same words, browser and build, or that passes now. A GPU that fails leaves the work to the processor.
 * While paused no check is begun.
 */
export async function openCheckedEngine(
  engine: Engine,
  prefer: "webgpu" | "cpu",
  {
    store,
    platform,
    pace,
    signal,
    onWait,
  }: Pick<Run, "store" | "platform" | "pace" | "signal"> & Pick<TurnOptions, "onWait">,
): Promise<RunningEngine> {
  const open = await engine.open(prefer, { signal, onWait });
  if (open.selfCheck === null) return open;
  const { fingerprint, run } = open.selfCheck;
  const passed = await store.deviceCheck();
  const age = platform.now() - (passed?.passedAt ?? 0);
  if (fingerprint !== null && passed?.fingerprint === fingerprint && age < TRUSTED_MS) return open;
  await pace.pass(signal);
  const fault = await run();
  signal.throwIfAborted(); // nobody waits any more, and what was forgotten stays so
  if (fault !== null) {
    return { ...(await engine.open("cpu", { signal })), fallback: describeFault(fault) };
  }
  if (fingerprint !== null) await store.putDeviceCheck({ fingerprint, passedAt: platform.now() });
  return open;
}
