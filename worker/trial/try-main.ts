/** The entry of a second, short-lived worker, in which a visitor tries versions of a model. */
import { expose } from "comlink";
import { createRelayClient } from "../../core/protocol/client.ts";
import { openBackend } from "../../kernels/backend.ts";
import type { TrialApi } from "../api.ts";
import { systemPlatform } from "../device/platform.ts";
import { WASM_FOLDER } from "../device/wasm-folder.ts";
import { timedFetch } from "../link/timed-fetch.ts";
import { openIndexedDbStore } from "../store/indexed-db-store.ts";
import { createTrial } from "./trial.ts";

const { origin } = self.location;
const fetchTimed = timedFetch((url, init) => fetch(url, init), systemPlatform);
const trial: TrialApi = createTrial({
  openStore: () => openIndexedDbStore({ now: systemPlatform.now }),
  client: createRelayClient({ baseUrl: origin, fetch: fetchTimed }),
  openCpu: () => openBackend({ prefer: "cpu", wasmFolder: origin + WASM_FOLDER }),
});
expose(trial);
