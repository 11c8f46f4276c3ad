import "./app.css";
import { mount } from "svelte";
import { createHttpCall } from "../core/protocol/http-call.ts";
import { createReadingClient } from "../core/protocol/reading-client.ts";
import { RelayError } from "../core/protocol/relay-error.ts";
import { events, HEARTBEAT } from "../core/protocol/schemas/status.ts";
import App from "./App.svelte";
import { openEngine } from "./engine.ts";
import { withIdentity } from "./identity-engine.ts";
import { createClock } from "./state/clock.svelte.ts";
import type { EventStream } from "./state/feed.ts";
import { keepsKeys } from "./state/key-probe.ts";
import { forgetVisits } from "./state/last-visit.ts";
import { createMemory } from "./state/memory.ts";
import { createRelay } from "./state/relay.svelte.ts";
import { createRoute } from "./state/route.svelte.ts";
import { openSharedStream } from "./state/shared-stream.ts";
import { openLazily } from "./state/site-storage.ts";
import { findMissing } from "./state/support.ts";
import { createOtherTab } from "./state/tabs.svelte.ts";
import { timedRead } from "./state/timed-read.ts";
import { createUpdate } from "./state/update.svelte.ts";
import { createPageVolunteer } from "./state/volunteer.svelte.ts";
import { openSharing } from "./swarm-road.ts";
import { openTrialEngine } from "./trial-engine.ts";

const target = document.getElementById("app");
if (target === null) throw new Error("internal: the page has no #app");

/** The folder in which the page is hosted, which need not be the top one, without the last slash. */
const home = new URL(".", document.baseURI).href.replace(/\/$/, "");

const READ_MS = 60_000; // the largest record, 6 MB, on a line of 0.8 Mbit/s

const build = new URL(import.meta.url).pathname;
const storage = openLazily(() => localStorage);
const memory = createMemory(storage, build);

/** One stream for all tabs, where a browser has what it takes. */
function openStream(url: string): EventStream {
  const open = () => new EventSource(url);
  const { locks } = navigator; // absent over plain http
  if (locks === undefined) return open();
  const types = [...Object.keys(events), HEARTBEAT];
  const openChannel = () => new BroadcastChannel(`commonweight-events ${build}`);
  return openSharedStream(open, types, { locks, openChannel });
}

const line = { baseUrl: home, fetch: timedRead((url, init) => fetch(url, init), READ_MS) };

async function openWhole() {
  const { createRelayClient } = await import("../core/protocol/client.ts").catch(() => {
    throw new RelayError("unreachable", "retry", `${home} does not answer`);
  });
  return createRelayClient(line);
}

mount(App, {
  target,
  props: {
    relay: createRelay(
      createReadingClient(createHttpCall(line)),
      openWhole,
      openStream,
      { now: () => Date.now(), steadyMs: () => performance.now() },
      memory,
    ),
    volunteer: createPageVolunteer({
      openEngine,
      storage,
      sharing: openSharing(home),
      onForget: () => {
        memory.forget();
        forgetVisits(storage);
      },
    }),
    route: createRoute(window),
    clock: createClock(),
    update: createUpdate(build),
    openTrialEngine,
    withIdentity,
    async openGuest(volunteer) {
      const { createGuest, guestSurroundings } = await import("./state/guest.svelte.ts");
      return createGuest(volunteer, guestSurroundings(storage));
    },
    storage,
    otherTab: createOtherTab(
      crypto.randomUUID?.() ?? String(Math.random()), // over plain http there is no UUID
      new BroadcastChannel("commonweight-tabs"),
      navigator.locks,
    ),
    missing: findMissing({
      isSecureContext,
      Worker: window.Worker,
      indexedDB: window.indexedDB,
      locks: navigator.locks,
      subtle: window.crypto.subtle,
      keep: (keys) => keepsKeys(indexedDB, keys),
    }),
  },
});
