/** Names of caches: one for the shell and one for the engine of each build. */
export const shellCache = (build: string): string => `shell ${build}`;
export const engineCache = (build: string): string => `engine ${build}`;

/** The path of the page's entry script names its build: its file name holds a hash of its content. `home` is the page's folder. */
export function buildOf(precached: readonly { readonly url: string }[], home: string): string {
  const entry = precached.find(({ url }) => /(^|\/)assets\/index-[^/]+\.js$/.test(url));
  return entry === undefined ? "unknown" : new URL(entry.url, home).pathname;
}

/** Caches of builds that no page runs (`locks` are the names that pages hold) and that are not `own`. */
export function unusedCaches(
  caches: readonly string[],
  locks: readonly string[],
  own: string,
): string[] {
  const used = new Set([own, ...locks.map((name) => name.replace(/^build /, ""))]);
  return caches.filter((name) => {
    const build = /^(?:shell|engine) (.+)$/.exec(name)?.[1];
    return build !== undefined && !used.has(build);
  });
}
