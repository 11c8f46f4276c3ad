/** When this browser is to hold work back, as its user chose. */
export type GuestRules = {
  readonly pluggedIn: boolean;
  readonly unmetered: boolean;
  readonly visible: boolean;
  /** Megabytes a day, down and up together; null for no limit. */
  readonly dailyMegabytes: number | null;
  /** The screen stays on while it works. */
  readonly awake: boolean;
};

/** What a guest does who was told nothing: no battery is emptied, no bill is run up, and nothing else is decided. */
export const DEFAULT_RULES: GuestRules = {
  pluggedIn: true,
  unmetered: true,
  visible: false,
  dailyMegabytes: 1000, // two first visits to a model of 124M parameters
  awake: false,
};

/** Rules as they were remembered; what does not look right is the default. */
export function readRules(value: unknown): GuestRules {
  if (typeof value !== "object" || value === null) return DEFAULT_RULES;
  const { pluggedIn, unmetered, visible, dailyMegabytes, awake } = value as Record<string, unknown>;
  const isAmount = typeof dailyMegabytes === "number" && dailyMegabytes > 0;
  return {
    pluggedIn: pluggedIn !== false,
    unmetered: unmetered !== false,
    visible: visible === true,
    dailyMegabytes:
      isAmount || dailyMegabytes === null ? dailyMegabytes : DEFAULT_RULES.dailyMegabytes,
    awake: awake === true,
  };
}
