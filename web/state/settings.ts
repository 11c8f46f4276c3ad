import { DEFAULT_RULES, type GuestRules, readRules } from "./guest-rules.ts";
import { readStored, type SiteStorage, writeStored } from "./site-storage.ts";

/** What this browser remembers for its user between visits. Small, and never needed to work. */
export type Settings = {
  /** Which consent text was agreed to; null when none. */
  readonly consent: string | null;
  readonly power: number;
  readonly prefer: "webgpu" | "cpu";
  /** Chunks are passed on to other volunteers, who then see this browser's address. */
  readonly sharing: boolean;
  /** When work is held back. */
  readonly guest: GuestRules;
};

const KEY = "commonweight";
/** Changes when the consent text gains a point, so that everyone is asked again. */
export const CONSENT = "2026-11 judging";
export const DEFAULTS: Settings = {
  consent: null,
  power: 1,
  prefer: "webgpu",
  sharing: false,
  guest: DEFAULT_RULES,
};

/** What was remembered in `storage`; anything that does not look right is the default. */
export function readSettings(storage: Pick<SiteStorage, "getItem">): Settings {
  const value = readStored(storage, KEY);
  if (typeof value !== "object" || value === null) return DEFAULTS; // the user is asked again
  const { consent, power, prefer, sharing, guest } = value as Record<string, unknown>;
  return {
    consent: typeof consent === "string" ? consent : null,
    power: typeof power === "number" && power >= 0.1 && power <= 1 ? power : DEFAULTS.power,
    prefer: prefer === "cpu" ? "cpu" : "webgpu",
    sharing: sharing === true,
    guest: readRules(guest),
  };
}

/** Whether `settings` are remembered beyond this visit. */
export const writeSettings = (storage: Pick<SiteStorage, "setItem">, settings: Settings): boolean =>
  writeStored(storage, KEY, settings);
