import { homedir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { createRelayClient } from "../core/protocol/client.ts";
import { nodeThreads } from "../relay-server/threads/kernel-threads.ts";
import type { Snapshot } from "../worker/api.ts";
import { createEngine } from "../worker/device/engine.ts";
import { systemPlatform } from "../worker/device/platform.ts";
import { timedFetch } from "../worker/link/timed-fetch.ts";
import { noLock } from "../worker/run/training-lock.ts";
import { createVolunteer } from "../worker/run/volunteer.ts";
import { openFileStore } from "./file-store.ts";
import { modelOption, parsePositive, relayOption } from "./options.ts";
import { followPieces } from "./piece-news.ts";
import { progressLines } from "./progress-lines.ts";
import type { Terminal } from "./terminal.ts";

type VolunteerOptions = {
  /** Origin of the relay. */
  readonly relay: string;
  readonly model: string;
  /** Absent: until it is stopped. */
  readonly pieces?: number;
  readonly folder: string;
};

/** `commonweight volunteer`: train pieces on this machine's processor and send them to a relay. */
export function volunteerCommand(terminal: Terminal): Command {
  const home = join(homedir(), ".commonweight");
  return new Command("volunteer")
    .description(
      "Train pieces of a community model on this machine's processor and send them to the relay.",
    )
    .addOption(relayOption())
    .addOption(modelOption())
    .option("--pieces <N>", "end after N pieces; without it, Ctrl-C ends", parsePositive)
    .option("--folder <PATH>", "where key, outbox and caches are kept", home)
    .action((options: VolunteerOptions) => volunteer(options, terminal));
}

/** The worker of the page, on files and all of the processor's cores, until the pieces are sent or the signal is aborted. */
async function volunteer(
  { relay, model, pieces, folder }: VolunteerOptions,
  { print, fail, signal }: Terminal,
): Promise<void> {
  const fetchTimed = timedFetch((url, init) => fetch(url, init), systemPlatform);
  const client = createRelayClient({ baseUrl: relay, fetch: fetchTimed });
  const commands = createVolunteer({
    openStore: () => openFileStore({ path: folder, now: systemPlatform.now }),
    client,
    engine: createEngine({ threads: nodeThreads() }),
    lock: noLock,
    platform: systemPlatform,
    software: "commonweight-cli/0.1.0",
  });
  let last: Snapshot | null = null;
  const earlier = new Set<string>();
  await commands.open((snapshot) => {
    for (const line of progressLines(last, snapshot)) print(line);
    if (last === null) {
      for (const { id, sent } of snapshot.pieces) if (sent === "sent") earlier.add(id);
    }
    last = snapshot;
  });
  signal.addEventListener("abort", () => void commands.stop(), { once: true });
  await commands.start({
    model,
    prefer: "cpu",
    power: 1,
    ...(pieces === undefined ? {} : { pieces }),
  });
  let newest: Snapshot | null = null; // `last` comes a moment late
  const ended = commands.ended().then((snapshot) => {
    newest = snapshot;
    return snapshot;
  });
  const following = followPieces({
    sent: () =>
      ((newest ?? last)?.pieces ?? []).flatMap(({ id, sent }) =>
        sent === "sent" && !earlier.has(id) ? [id] : [],
      ),
    look: () => client.contributions({ contributor: (newest ?? last)?.contributor ?? "", signal }),
    print,
    sleep: (ms, wake) =>
      systemPlatform.sleep(ms, wake === undefined ? signal : AbortSignal.any([signal, wake])),
    ended,
  });
  await following.catch(() => {}); // Ctrl-C: the run below tells how it ended
  if ((await ended).phase === "stopped") fail();
}
