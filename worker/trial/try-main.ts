/** The entry of a second, short-lived worker, in which a visitor tries versions of a model. */
import { expose } from "comlink";
import { createRelayClient } from "../../core/protocol/client.ts";
import { openBackend } from "../../kernels/backend.ts";
import type { TrialApi } from "../api.ts";
import { browserThreads } from "../device/browser-threads.ts";
import { HOME } from "../device/home.ts";
import { systemPlatform } from "../device/platform.ts";
import { timedFetch } from "../link/timed-fetch.ts";
import { openIndexedDbStore } from "../store/indexed-db-store.ts";
import { createTrial } from "./trial.ts";

const fetchTimed = timedFetch((url, init) => fetch(url, init), systemPlatform);
const trial: TrialApi = createTrial({
  openStore: () => openIndexedDbStore({ now: systemPlatform.now }),
  client: createRelayClient({ baseUrl: HOME, fetch: fetchTimed }),
  openCpu: () => openBackend({ prefer: "cpu", threads: browserThreads() }),
});
expose(trial);
