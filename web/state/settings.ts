import { DEFAULT_RULES, type GuestRules, readRules } from "./guest-rules.ts";

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
export const CONSENT = "2026-11";
export const DEFAULTS: Settings = {
  consent: null,
  power: 1,
  prefer: "webgpu",
  sharing: false,
  guest: DEFAULT_RULES,
};

/** What was remembered in `storage`; anything that does not look right is the default. */
export function readSettings(storage: Pick<Storage, "getItem">): Settings {
  try {
    const value: unknown = JSON.parse(storage.getItem(KEY) ?? "{}");
    if (typeof value !== "object" || value === null) return DEFAULTS;
    const { consent, power, prefer, sharing, guest } = value as Record<string, unknown>;
    return {
      consent: typeof consent === "string" ? consent : null,
      power: typeof power === "number" && power >= 0.1 && power <= 1 ? power : DEFAULTS.power,
      prefer: prefer === "cpu" ? "cpu" : "webgpu",
      sharing: sharing === true,
      guest: readRules(guest),
    };
  } catch {
    return DEFAULTS; // blocked or damaged storage: the user is asked again
  }
}

/** Whether `settings` are remembered: a blocked or full storage keeps nothing beyond this visit. */
export function writeSettings(storage: Pick<Storage, "setItem">, settings: Settings): boolean {
  try {
    storage.setItem(KEY, JSON.stringify(settings));
    return true;
  } catch {
    return false; // SecurityError or QuotaExceededError
  }
}
