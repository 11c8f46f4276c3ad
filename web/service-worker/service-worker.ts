/// <reference lib="webworker" />
import { buildOf, engineCache, shellCache, unusedCaches } from "./builds.ts";
import { answerFile } from "./files.ts";
import { answerNavigation, fetchShell } from "./shell.ts";

/**
 * Keeps the shell (page, styles, icons) from its installation on, and the engine from the moment that the
 * page fetches it, which is after consent. The relay's own answers pass by. A new build waits until a page
 * asks for it; the files of builds that other pages still run stay.
 */
declare const self: ServiceWorkerGlobalScope & {
  readonly __WB_MANIFEST: readonly { readonly url: string; readonly revision: string | null }[];
};

const shell = self.__WB_MANIFEST;
const home = self.registration.scope; // the folder in which the page is hosted
const build = buildOf(shell, home);

const NETWORK_MS = 2500; // a line that is slower shows the page that is kept

self.addEventListener("install", (event) => {
  event.waitUntil(keepShell());
});

self.addEventListener("activate", (event) => {
  event.waitUntil(Promise.all([self.clients.claim(), dropUnused()]));
});

self.addEventListener("message", (event) => {
  if (event.data === "take-over") event.waitUntil(self.skipWaiting());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(home)) return;
  const path = request.url.slice(home.length);
  if (/^(api|peerjs|metrics)([/?]|$)/.test(path)) return;
  if (request.mode === "navigate") {
    event.waitUntil(dropUnused());
    event.respondWith(page(request));
  } else {
    event.respondWith(file(event, path.startsWith("engine/")));
  }
});

async function keepShell(): Promise<void> {
  const urls = shell.map(({ url }) => new URL(url, home).href);
  const files = await fetchShell(urls, (request) => fetch(request), build.replace(/.*\//, ""));
  const cache = await caches.open(shellCache(build));
  await Promise.all(files.map(([url, answer]) => cache.put(url, answer)));
}

function page(request: Request): Promise<Response> {
  return answerNavigation(request, {
    async kept() {
      const cache = await caches.open(shellCache(build));
      return cache.match(new URL("index.html", home).href);
    },
    fetch: (asked) => fetch(asked),
    waitMs: NETWORK_MS,
  });
}

function file(event: FetchEvent, engine: boolean): Promise<Response> {
  const cacheName = engine ? engineCache(build) : shellCache(build);
  return answerFile(event.request, {
    kept: async (request) =>
      (await caches.match(request, { cacheName })) ?? (await caches.match(request)),
    fetch: (request) => fetch(request),
    keep: engine
      ? async (request, answer) => (await caches.open(cacheName)).put(request, answer)
      : null,
    onGone: giveWay,
    later: (work) => event.waitUntil(work),
  });
}

/** A deploy took away what this build still wants: let the newer one take over, so that a reload is cured. */
async function giveWay(): Promise<void> {
  const { registration } = self;
  await registration.update();
  (registration.installing ?? registration.waiting)?.postMessage("take-over");
}

async function dropUnused(): Promise<void> {
  const names = await caches.keys();
  const { installing, waiting } = self.registration;
  if (installing !== null || waiting !== null) return; // a newer build, whose files no page holds yet
  const { held } = await self.navigator.locks.query();
  const locks = (held ?? []).flatMap(({ name }) => (name === undefined ? [] : [name]));
  const unused = unusedCaches(names, locks, build);
  await Promise.all(unused.map((name) => caches.delete(name)));
}
