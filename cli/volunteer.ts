import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createRelayClient } from "../core/protocol/client.ts";
import type { Snapshot } from "../worker/api.ts";
import { createEngine } from "../worker/device/engine.ts";
import { systemPlatform } from "../worker/device/platform.ts";
import { timedFetch } from "../worker/link/timed-fetch.ts";
import { noLock } from "../worker/run/training-lock.ts";
import { createVolunteer } from "../worker/run/volunteer.ts";
import type { Call } from "./call.ts";
import { openFileStore } from "./file-store.ts";
import { progressLines } from "./progress-lines.ts";

/**
 * Volunteer from a terminal until the pieces are sent or `signal` is aborted: the worker of the page, on
 * files and tfjs's wasm. Returns the exit code: 1 when it stopped by an error.
 */
export async function volunteer(
  { relay, model, pieces, folder }: Extract<Call, { command: "volunteer" }>,
  { print, signal }: { readonly print: (line: string) => void; readonly signal: AbortSignal },
): Promise<number> {
  const fetchTimed = timedFetch((url, init) => fetch(url, init), systemPlatform);
  const commands = createVolunteer({
    openStore: () => openFileStore({ path: folder, now: systemPlatform.now }),
    client: createRelayClient({ baseUrl: relay, fetch: fetchTimed }),
    engine: createEngine(wasmFolder()),
    lock: noLock,
    platform: systemPlatform,
    software: "commonweight-cli/0.1.0",
  });
  let last: Snapshot | null = null;
  await commands.open((snapshot) => {
    for (const line of progressLines(last, snapshot)) print(line);
    last = snapshot;
  });
  signal.addEventListener("abort", () => void commands.stop(), { once: true });
  await commands.start({
    model,
    prefer: "cpu",
    power: 1,
    ...(pieces === null ? {} : { pieces }),
  });
  return (await commands.ended()).phase === "stopped" ? 1 : 0;
}

function wasmFolder(): string {
  const require = createRequire(import.meta.url);
  return join(dirname(require.resolve("@tensorflow/tfjs-backend-wasm/package.json")), "dist/");
}
