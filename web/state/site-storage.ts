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

/** The value that is kept under `key`; null for none, also where the storage is blocked or holds what is no JSON. */
export function readStored(storage: Pick<SiteStorage, "getItem">, key: string): unknown {
  try {
    return JSON.parse(storage.getItem(key) ?? "null");
  } catch {
    return null; // SecurityError or SyntaxError
  }
}

/** Whether `value` is kept: a blocked or full storage keeps nothing beyond this visit. */
export function writeStored(
  storage: Pick<SiteStorage, "setItem">,
  key: string,
  value: unknown,
): boolean {
  try {
    storage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false; // SecurityError or QuotaExceededError
  }
}
