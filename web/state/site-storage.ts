/** The part of a Storage that remembers. */
export type SiteStorage = Pick<Storage, "getItem" | "setItem">;

/**
 * The storage that `open` gives, opened each time it is used: where site data is blocked, a browser throws as
 * soon as `localStorage` is named, and readers expect that of a read alone.
 */
export function openLazily(open: () => SiteStorage): SiteStorage {
  return {
    getItem: (key) => open().getItem(key),
    setItem: (key, value) => open().setItem(key, value),
  };
}
