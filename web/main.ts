import "./app.css";
import { mount } from "svelte";
import { createRelayClient } from "../core/protocol/client.ts";
import App from "./App.svelte";
import { openEngine } from "./engine.ts";
import { createClock } from "./state/clock.svelte.ts";
import { createRelay } from "./state/relay.svelte.ts";
import { createRoute } from "./state/route.svelte.ts";
import { openLazily } from "./state/site-storage.ts";
import { findMissing } from "./state/support.ts";
import { timedRead } from "./state/timed-read.ts";
import { createUpdate } from "./state/update.svelte.ts";
import { createVolunteer } from "./state/volunteer.svelte.ts";
import { openTrialEngine } from "./trial-engine.ts";

const target = document.getElementById("app");
if (target === null) throw new Error("internal: the page has no #app");

/** The folder in which the page is hosted, which need not be the top one, without the last slash. */
const home = new URL(".", document.baseURI).href.replace(/\/$/, "");

const READ_MS = 60_000; // the largest record, 6 MB, on a line of 0.8 Mbit/s

const client = createRelayClient({
  baseUrl: home,
  fetch: timedRead((url, init) => fetch(url, init), READ_MS),
});

mount(App, {
  target,
  props: {
    relay: createRelay(
      client,
      (url) => new EventSource(url),
      () => Date.now(),
    ),
    volunteer: createVolunteer({
      openEngine,
      storage: openLazily(() => localStorage),
      openedAtMs: Date.now(),
    }),
    route: createRoute(window),
    clock: createClock(),
    update: createUpdate(new URL(import.meta.url).pathname),
    openTrialEngine,
    missing: findMissing({
      isSecureContext,
      Worker: window.Worker,
      indexedDB: window.indexedDB,
      locks: navigator.locks,
      subtle: window.crypto.subtle,
    }),
  },
});
