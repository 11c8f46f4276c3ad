/** A process in which one contestant trains; `hosts.ts` forks it and sends calls. */
import "./one-tfjs.ts";
import type { Call } from "./hosts.ts";

const DAWN = "dawn"; // the argument with which Node gets a GPU

if (process.argv[2] === DAWN) await (await import("./dawn.ts")).installDawn();
const { createStage } = await import("./stage.ts"); // after the hooks, and after the GPU

/** This thread's processor time: on a GPU what counts is the waiting, on a CPU it is others' work. */
function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** All threads' processor time: a software GPU's are among them. */
function processMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const stage = createStage(process.argv[2] === DAWN ? () => performance.now() : threadMs);

process.on("message", async ({ method, argument }: Call) => {
  try {
    const value = await (stage[method] as (argument: unknown) => Promise<unknown>)(argument);
    process.send?.({ value, processorMs: processMs() });
  } catch (error) {
    process.send?.({ error: error instanceof Error ? error.stack : String(error) });
  }
});
process.on("disconnect", () => process.exit());
