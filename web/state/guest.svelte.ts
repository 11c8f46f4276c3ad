import { holdWords } from "../words/guest.ts";
import { createDataMeter } from "./data-meter.ts";
import {
  type Engagement,
  FREE,
  type GuestFacts,
  guestStep,
  holdOf,
  liftHold,
  unliftHolds,
} from "./guest.ts";
import type { GuestRules } from "./guest-rules.ts";
import { browserLine, type DeviceLine, meteredBy } from "./line.ts";
import type { SiteStorage } from "./site-storage.ts";
import type { PageVolunteer } from "./volunteer.svelte.ts";

/** What of a BatteryManager is used; browsers without one do not tell. */
export type Battery = EventTarget & { readonly charging: boolean };

/** What the page tells a guest of, and what keeps the screen on; what is absent is not told or not possible. */
export type GuestSurroundings = {
  readonly storage: SiteStorage;
  readonly now: () => number;
  readonly every: (ms: number, work: () => void) => () => void;
  readonly battery: Promise<Battery | null>;
  readonly line: DeviceLine | null;
  readonly page: Pick<Document, "visibilityState" | "addEventListener" | "removeEventListener">;
  readonly wakeLock: WakeLock | null;
};

/** Holds work back as the rules say. */
export type Guest = ReturnType<typeof createGuest>;

const LOOK_MS = 5_000; // so late may the end of a rest be noticed

/** What the page of a browser has of all that. */
export function guestSurroundings(storage: SiteStorage): GuestSurroundings {
  const { wakeLock = null, getBattery } = navigator as Navigator & {
    readonly getBattery?: () => Promise<Battery>;
  };
  return {
    storage,
    now: () => Date.now(),
    every(ms, work) {
      const timer = setInterval(work, ms);
      return () => clearInterval(timer);
    },
    battery:
      getBattery === undefined
        ? Promise.resolve(null)
        : getBattery.call(navigator).catch(() => null), // forbidden by a policy: it does not tell
    line: browserLine(),
    page: document,
    wakeLock,
  };
}

/** Watches the device and pauses the engine while something holds work back, until `close`. */
export function createGuest(volunteer: PageVolunteer, around: GuestSurroundings) {
  const { storage, now, line, page, wakeLock } = around;
  const meter = createDataMeter(storage, (ms) => new Date(ms).toDateString());
  let nowMs = $state(now());
  let isPluggedIn = $state<boolean | null>(null);
  let isMetered = $state<boolean | null>(meteredBy(line));
  let isVisible = $state(page.visibilityState === "visible");
  let bytesToday = $state(meter.bytes(now()));
  let snoozedUntilMs = $state<number | null>(null);
  let workUntilMs = $state<number | null>(null);
  let state = $state.raw(FREE);
  let screen: WakeLockSentinel | null = null;
  let isScreenBusy = false;

  const facts = (): GuestFacts => {
    return { nowMs, isPluggedIn, isMetered, isVisible, bytesToday, snoozedUntilMs, workUntilMs };
  };
  const hold = () => holdOf(volunteer.settings.guest, facts(), state.lifted);
  function engagement(): Engagement {
    if (!volunteer.engaged || volunteer.snapshot?.phase === "other-tab") return "idle";
    return volunteer.snapshot?.phase === "paused" ? "paused" : "working";
  }

  function look(): void {
    nowMs = now();
    const snapshot = volunteer.snapshot;
    if (snapshot !== null) meter.note(snapshot, nowMs);
    bytesToday = meter.bytes(nowMs);
    if (!volunteer.between) settle();
    void volunteer.hold(hold() !== null);
  }

  function settle(): void {
    const step = guestStep(state, { hold: hold(), engagement: engagement() });
    state = step.state;
    if (step.command === "pause") void volunteer.pause();
    if (step.command === "resume") void volunteer.resume();
    if (engagement() === "idle") {
      snoozedUntilMs = null;
      workUntilMs = null;
    }
    void keepScreen(volunteer.settings.guest.awake && isVisible && engagement() === "working");
  }

  /** A browser lets the screen go by itself whenever the page is hidden. */
  async function keepScreen(isWanted: boolean): Promise<void> {
    if (isScreenBusy || isWanted === (screen !== null && !screen.released)) return;
    isScreenBusy = true;
    try {
      if (isWanted) screen = (await wakeLock?.request("screen")) ?? null;
      else await screen?.release();
    } catch {
      screen = null; // refused, as on a low battery: the next look asks again
    }
    isScreenBusy = false;
  }

  const closers = [
    around.every(LOOK_MS, look),
    listen(page, "visibilitychange", () => {
      isVisible = page.visibilityState === "visible";
      look();
    }),
    listen(line, "change", () => {
      isMetered = meteredBy(line);
      look();
    }),
  ];
  void around.battery.then((battery) => {
    const hear = () => {
      isPluggedIn = battery?.charging ?? null;
      look();
    };
    hear();
    closers.push(listen(battery, "chargingchange", hear));
  });

  return {
    /** The engine spoke. */
    look,
    /** The user has changed these rules: they hold again where they were lifted. */
    obey(change: Partial<GuestRules>): void {
      state = unliftHolds(state, change);
      look();
    },
    get facts() {
      return facts();
    },
    /** Why this page holds work back; null while it does not. */
    get reason(): string | null {
      const kind = state.isHeld ? hold() : null;
      return kind === null ? null : holdWords(kind, facts());
    },
    /** The screen can be kept on here. */
    canKeepScreen: wakeLock !== null,
    /** Rest for so long, from now on. */
    snooze(ms: number): void {
      snoozedUntilMs = now() + ms;
      look();
    },
    /** Work until then; null takes it back. */
    workUntil(ms: number | null): void {
      workUntilMs = ms;
      look();
    },
    /** Go on, also in spite of what holds work back. */
    async resume(): Promise<void> {
      const kind = hold();
      snoozedUntilMs = null;
      if (kind === "until") workUntilMs = null;
      else if (kind !== null && kind !== "snooze") state = liftHold(state, kind);
      state = { ...state, isHeld: false };
      await volunteer.resume();
      look();
    },
    close(): void {
      for (const close of closers) close();
      void keepScreen(false);
    },
  };
}

function listen(
  target: Pick<EventTarget, "addEventListener" | "removeEventListener"> | null,
  type: string,
  hear: () => void,
): () => void {
  target?.addEventListener(type, hear);
  return () => target?.removeEventListener(type, hear);
}
