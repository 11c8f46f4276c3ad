import { join } from "node:path";
import { Command } from "commander";
import { openModelFolder } from "../../import/model-folder.ts";
import { parseConfig } from "../../relay-server/config.ts";
import { buildPageIfStale, ROOT } from "../page-build.ts";
import type { Terminal } from "../terminal.ts";

type Options = { readonly port?: string; readonly dataDir?: string };

/** `commonweight serve`: a relay with the models of some folders, and its page. */
export function serveCommand(terminal: Terminal): Command {
  return new Command("serve")
    .description(
      "Open a community: a relay with this model and its page. Settings are the relay's (docs/how-to/).",
    )
    .argument("<folder...>", "model folders, as `commonweight new` made them")
    .option("--port <N>", "where it listens (default: PORT, or 8787)")
    .option(
      "--data-dir <PATH>",
      "what the relay keeps (default: DATA_DIR, or relay-data in the first folder)",
    )
    .action((folders: string[], options: Options) => serve(folders, options, terminal));
}

async function serve(
  folders: readonly string[],
  { port, dataDir }: Options,
  terminal: Terminal,
): Promise<void> {
  const sources = await Promise.all(folders.map(openModelFolder));
  const config = parseConfig({
    DATA_DIR: join(folders[0]!, "relay-data"),
    WEB_DIR: join(ROOT, "dist"),
    ...process.env,
    ...(port === undefined ? {} : { PORT: port }),
    ...(dataDir === undefined ? {} : { DATA_DIR: dataDir }),
  });
  if (config.webDir === join(ROOT, "dist")) await buildPageIfStale();
  const { startRelay } = await import("../../relay-server/wiring.ts"); // with its database: nobody else waits for it
  const relay = await startRelay({
    config,
    sources,
    clock: Date.now,
    random: (size) => crypto.getRandomValues(new Uint8Array(size)),
    onProgress: (what, done, total) => terminal.progress(`${what}: ${done} of ${total}`),
  });
  terminal.print(`${sources.map(({ recipe }) => recipe.title).join(", ")}: ${relay.url}`);
  for (const note of relay.notes) terminal.print(note);
  await new Promise<void>((resolve) => {
    terminal.signal.addEventListener("abort", () => resolve(), { once: true });
    if (terminal.signal.aborted) resolve();
  });
  await relay.close();
}
