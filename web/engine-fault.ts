/** The part of `fetch` that finds out why a script did not load. */
type Fetch = (url: string, init: { readonly cache: "reload" }) => Promise<Response>;

/**
 * Why the worker's script at `url` did not load, as a sentence with a way out: a browser says nothing of it.
 * What this build kept of the engine is dropped first, so that the next start fetches it again.
 */
export async function describeLoadFault(
  url: string,
  { fetch, caches }: { readonly fetch: Fetch; readonly caches: CacheStorage | undefined },
): Promise<string> {
  await dropEngines(caches).catch(() => {}); // no cache is no worse
  const answer = await fetch(url, { cache: "reload" }).catch(() => null);
  if (answer === null) {
    return "The training engine could not be fetched: this device is offline, or something on it blocks the page's scripts. Start again once that has changed.";
  }
  if (answer.redirected || answer.headers.get("content-type")?.startsWith("text/html")) {
    return "This network answered in the relay's place. Sign in to it in another tab, as hotels and trains ask for, and start again.";
  }
  if (answer.status === 404) {
    return "This page is older than the relay, which no longer has its training engine. Reload the page.";
  }
  if (!answer.ok) {
    return `The relay could not send the training engine (${answer.status}). Start again in a while.`;
  }
  return "The browser did not run the training engine, though it can be fetched: an extension or a setting may block web workers. Allow them for this site and start again.";
}

async function dropEngines(caches: CacheStorage | undefined): Promise<void> {
  const names = (await caches?.keys()) ?? [];
  await Promise.all(
    names.filter((name) => name.startsWith("engine ")).map((name) => caches?.delete(name)),
  );
}
