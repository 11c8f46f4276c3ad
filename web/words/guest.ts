import type { GuestFacts, HoldKind } from "../state/guest.ts";
import { formatTime } from "./quantities.ts";

/** Why work is held back, in one sentence, and what ends it. */
export function holdWords(hold: HoldKind, { snoozedUntilMs, workUntilMs }: GuestFacts): string {
  switch (hold) {
    case "snooze":
      return `You gave this device a rest until ${formatTime(snoozedUntilMs ?? 0)}. The running piece is kept.`;
    case "until":
      return `You wanted work until ${formatTime(workUntilMs ?? 0)}. The running piece is kept.`;
    case "battery":
      return "This device runs on its battery. It goes on by itself once it is plugged in.";
    case "metered":
      return "This line is metered or saves data. It goes on by itself on another one.";
    case "hidden":
      return "This page is not in sight. It goes on by itself once you look at it.";
    case "budget":
      return "Today's data budget is used up. It goes on by itself tomorrow.";
  }
}
