/** The entry of a short-lived worker, in which a visitor names, keeps or restores this device's key. */
import { expose } from "comlink";
import { createRelayClient } from "../../core/protocol/client.ts";
import { HOME } from "../device/home.ts";
import { systemPlatform } from "../device/platform.ts";
import { timedFetch } from "../link/timed-fetch.ts";
import { webLock } from "../run/web-lock.ts";
import { openIndexedDbStore } from "../store/indexed-db-store.ts";
import { createIdentity } from "./identity.ts";

const fetchTimed = timedFetch((url, init) => fetch(url, init), systemPlatform);
expose(
  createIdentity({
    openStore: () => openIndexedDbStore({ now: systemPlatform.now }),
    client: createRelayClient({ baseUrl: HOME, fetch: fetchTimed }),
    lock: webLock(navigator.locks), // a key is made in a secure context alone, which has locks
    now: systemPlatform.now,
  }),
);
