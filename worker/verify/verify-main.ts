/** The entry of a short-lived worker, in which a visitor recomputes a model's history. */
import { expose } from "comlink";
import { createRelayClient } from "../../core/protocol/client.ts";
import { HOME } from "../device/home.ts";
import { systemPlatform } from "../device/platform.ts";
import { timedFetch } from "../link/timed-fetch.ts";
import { createVerifier } from "./verify.ts";

const fetchTimed = timedFetch((url, init) => fetch(url, init), systemPlatform);
expose(createVerifier(createRelayClient({ baseUrl: HOME, fetch: fetchTimed })));
