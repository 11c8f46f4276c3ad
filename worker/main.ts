/** The worker's entry: a volunteer in the browser, whose commands the page calls through comlink. */
import { expose } from "comlink";
import { createRelayClient } from "../core/protocol/client.ts";
import type { WorkerApi } from "./api.ts";
import { browserPlatform } from "./device/browser-platform.ts";
import { browserThreads } from "./device/browser-threads.ts";
import { createEngine } from "./device/engine.ts";
import { HOME } from "./device/home.ts";
import { timedFetch } from "./link/timed-fetch.ts";
import { channelTabs } from "./run/tabs.ts";
import { noLock } from "./run/training-lock.ts";
import { createVolunteer } from "./run/volunteer.ts";
import { webLock } from "./run/web-lock.ts";
import { openIndexedDbStore } from "./store/indexed-db-store.ts";

const { href } = self.location;
const BUILD = import.meta.env.DEV ? null : href; // a built file's name has a hash of all that it loads
const fetchTimed = timedFetch((url, init) => fetch(url, init), browserPlatform);
const volunteer: WorkerApi = createVolunteer({
  openStore: () => openIndexedDbStore({ now: browserPlatform.now }),
  client: createRelayClient({ baseUrl: HOME, fetch: fetchTimed }),
  engine: createEngine({ build: BUILD, threads: browserThreads() }),
  // locks need a secure context, which the page asks for anyway; without them two tabs both train
  lock: "locks" in navigator ? webLock(navigator.locks) : noLock,
  tabs: channelTabs(new BroadcastChannel("commonweight")),
  platform: browserPlatform,
  software: "commonweight-web/0.1.0",
  staysOpen: true,
});
expose(volunteer);
