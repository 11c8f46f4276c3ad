/** The worker's entry: a volunteer in the browser, whose commands the page calls through comlink. */
import { expose } from "comlink";
import { createRelayClient } from "../core/protocol/client.ts";
import type { WorkerApi } from "./api.ts";
import { browserPlatform } from "./browser-platform.ts";
import { createEngine } from "./engine.ts";
import { openIndexedDbStore } from "./indexed-db-store.ts";
import { channelTabs } from "./tabs.ts";
import { timedFetch } from "./timed-fetch.ts";
import { noLock } from "./training-lock.ts";
import { createVolunteer } from "./volunteer.ts";
import { WASM_FOLDER } from "./wasm-folder.ts";
import { webLock } from "./web-lock.ts";

const { origin, href } = self.location;
const BUILD = import.meta.env.DEV ? null : href; // a built file's name has a hash of all that it loads
const fetchTimed = timedFetch((url, init) => fetch(url, init), browserPlatform);
const volunteer: WorkerApi = createVolunteer({
  openStore: () => openIndexedDbStore({ now: browserPlatform.now }),
  client: createRelayClient({ baseUrl: origin, fetch: fetchTimed }),
  engine: createEngine(origin + WASM_FOLDER, BUILD),
  // locks need a secure context, which the page asks for anyway; without them two tabs both train
  lock: "locks" in navigator ? webLock(navigator.locks) : noLock,
  tabs: channelTabs(new BroadcastChannel("commonweight")),
  platform: browserPlatform,
  software: "commonweight-web/0.1.0",
  staysOpen: true,
});
expose(volunteer);
