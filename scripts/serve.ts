/** The relay with the shipped models, serving the page as it was built. */
import { shippedModels } from "../models/shipped.ts";
import { parseConfig } from "../relay-server/config.ts";
import { StartError, startRelay } from "../relay-server/wiring.ts";
import { showProgress } from "./progress-bar.ts";

/** Start, print where it is, and stop cleanly on Ctrl-C; a StartError is one sentence and exit code 1. */
export async function serve(): Promise<never> {
  const interrupted = new Promise<null>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => resolve(null));
  });
  try {
    const relay = await Promise.race([start(), interrupted]);
    if (relay !== null) {
      console.log(`Commonweight is at ${relay.url}`);
      for (const note of relay.notes) console.log(note);
      await interrupted;
    }
    console.log("Stopping …");
    await relay?.close(); // half an import may be left as it is: the next start begins it anew
    process.exit(0);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}

async function start() {
  return startRelay({
    config: parseConfig(process.env),
    sources: shippedModels,
    clock: Date.now,
    random: (size) => crypto.getRandomValues(new Uint8Array(size)),
    onProgress: showProgress,
  });
}

if (import.meta.main) await serve();
