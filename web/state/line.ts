/** What of a NetworkInformation is used, which Chromium tells alone. */
export type DeviceLine = EventTarget & { readonly saveData?: boolean; readonly type?: string };

/** The line of this browser; null where it does not tell of one. */
export function browserLine(): DeviceLine | null {
  const { connection = null } = navigator as Navigator & { readonly connection?: DeviceLine };
  return connection;
}

/** On mobile data, or told to save data; null where that is not told. */
export const meteredBy = (line: DeviceLine | null): boolean | null =>
  line === null ? null : line.saveData === true || line.type === "cellular";
