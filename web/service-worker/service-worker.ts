/// <reference lib="webworker" />
import { buildOf, engineCache, shellCache, unusedCaches } from "./builds.ts";

/**
 * Keeps the shell (page, styles, icons) from its installation on, and the engine from the moment that the
 * page fetches it, which is after consent. The relay's own answers pass by. A new build waits until a page
 * asks for it; the files of builds that other pages still run stay.
 */
declare const self: ServiceWorkerGlobalScope & {
  readonly __WB_MANIFEST: readonly { readonly url: string; readonly revision: string | null }[];
};

const shell = self.__WB_MANIFEST;
const build = buildOf(shell);

self.addEventListener("install", (event) => {
  const urls = shell.map(({ url }) => new Request(`/${url}`, { cache: "reload" }));
  event.waitUntil(caches.open(shellCache(build)).then((cache) => cache.addAll(urls)));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(Promise.all([self.clients.claim(), dropUnused()]));
});

self.addEventListener("message", (event) => {
  if (event.data === "take-over") event.waitUntil(self.skipWaiting());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (/^\/(api|peerjs|metrics)(\/|$)/.test(pathname)) return;
  if (request.mode === "navigate") {
    event.waitUntil(dropUnused());
    event.respondWith(page(request));
  } else {
    event.respondWith(file(request, pathname.startsWith("/engine/")));
  }
});

async function page(request: Request): Promise<Response> {
  const cache = await caches.open(shellCache(build));
  return (await cache.match("/index.html")) ?? fetch(request);
}

/** A file of any build: names of scripts hold their hash, so whichever cache has one has the right one. */
async function file(request: Request, engine: boolean): Promise<Response> {
  const own = await caches.open(engine ? engineCache(build) : shellCache(build));
  const kept = (await own.match(request)) ?? (await caches.match(request));
  if (kept !== undefined) return kept;
  const answer = await fetch(request);
  if (engine && answer.status === 200) await own.put(request, answer.clone());
  return answer;
}

async function dropUnused(): Promise<void> {
  const { held } = await self.navigator.locks.query();
  const locks = (held ?? []).flatMap(({ name }) => (name === undefined ? [] : [name]));
  const unused = unusedCaches(await caches.keys(), locks, build);
  await Promise.all(unused.map((name) => caches.delete(name)));
}
