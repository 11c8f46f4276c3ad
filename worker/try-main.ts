/** The entry of a second, short-lived worker, in which a visitor tries versions of a model. */
import { expose } from "comlink";
import { createRelayClient } from "../core/protocol/client.ts";
import { openBackend } from "../kernels/backend.ts";
import type { TrialApi } from "./api.ts";
import { openIndexedDbStore } from "./indexed-db-store.ts";
import { systemPlatform } from "./platform.ts";
import { timedFetch } from "./timed-fetch.ts";
import { createTrial } from "./trial.ts";
import { WASM_FOLDER } from "./wasm-folder.ts";

const { origin } = self.location;
const fetchTimed = timedFetch((url, init) => fetch(url, init), systemPlatform);
const trial: TrialApi = createTrial({
  openStore: () => openIndexedDbStore({ now: systemPlatform.now }),
  client: createRelayClient({ baseUrl: origin, fetch: fetchTimed }),
  openCpu: () => openBackend({ prefer: "cpu", wasmFolder: origin + WASM_FOLDER }),
});
expose(trial);
