import type { GuestRules } from "./guest-rules.ts";

/** What the device and its user say now; null is what this browser does not tell. */
export type GuestFacts = {
  readonly nowMs: number;
  readonly isPluggedIn: boolean | null;
  readonly isMetered: boolean | null;
  readonly isVisible: boolean;
  readonly bytesToday: number;
  /** Rest until then; null for no rest. */
  readonly snoozedUntilMs: number | null;
  /** Work until then; null for no end. */
  readonly workUntilMs: number | null;
};

export type HoldKind = "snooze" | "until" | "battery" | "metered" | "hidden" | "budget";

/** What holds work back, besides what the user has lifted: the first in this order, so that there is one reason. */
export function holdOf(
  rules: GuestRules,
  facts: GuestFacts,
  lifted: ReadonlySet<HoldKind>,
): HoldKind | null {
  const { nowMs, snoozedUntilMs, workUntilMs } = facts;
  const holds: readonly [HoldKind, boolean][] = [
    ["snooze", snoozedUntilMs !== null && nowMs < snoozedUntilMs],
    ["until", workUntilMs !== null && nowMs >= workUntilMs],
    ["battery", rules.pluggedIn && facts.isPluggedIn === false],
    ["metered", rules.unmetered && facts.isMetered === true],
    ["hidden", rules.visible && !facts.isVisible],
    ["budget", rules.dailyMegabytes !== null && facts.bytesToday >= rules.dailyMegabytes * 1e6],
  ];
  return holds.find(([kind, holds]) => holds && !lifted.has(kind))?.[0] ?? null;
}

/** What the engine does, as far as holding back goes. */
export type Engagement = "idle" | "working" | "paused";

/**
 * Whether this page holds the engine, and what its user has lifted since the start.
 *
 *     idle ──start──▶ free ◀──no hold: resume── held
 *      ▲               │                          ▲
 *      └──end── both   └──a hold: pause───────────┘      (what the user paused stays paused)
 */
export type GuestState = {
  readonly isHeld: boolean;
  readonly lifted: ReadonlySet<HoldKind>;
};

export const FREE: GuestState = { isHeld: false, lifted: new Set() };

/** The next state, and what the engine is told. */
export function guestStep(
  state: GuestState,
  { hold, engagement }: { readonly hold: HoldKind | null; readonly engagement: Engagement },
): { readonly state: GuestState; readonly command: "pause" | "resume" | null } {
  if (engagement === "idle") return { state: FREE, command: null };
  if (hold === null) {
    const command = state.isHeld ? "resume" : null;
    return { state: { ...state, isHeld: false }, command };
  }
  if (engagement === "paused") return { state, command: null }; // by this page, or by its user
  return { state: { ...state, isHeld: true }, command: "pause" };
}

/** The user wants to go on in spite of `hold`: it holds no more until the next start. */
export function liftHold(state: GuestState, hold: HoldKind): GuestState {
  return { isHeld: false, lifted: new Set([...state.lifted, hold]) };
}

const KIND_OF_RULE = {
  pluggedIn: "battery",
  unmetered: "metered",
  visible: "hidden",
  dailyMegabytes: "budget",
  awake: null,
} as const satisfies Record<keyof GuestRules, HoldKind | null>;

/** The user has changed these rules: what was lifted of them holds again, and all else stays lifted. */
export function unliftHolds(state: GuestState, change: Partial<GuestRules>): GuestState {
  const changed = new Set<HoldKind | null>(
    Object.keys(change).map((rule) => KIND_OF_RULE[rule as keyof GuestRules]), // the type has no others
  );
  return { ...state, lifted: new Set([...state.lifted].filter((kind) => !changed.has(kind))) };
}
