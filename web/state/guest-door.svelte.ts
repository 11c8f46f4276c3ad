import type { Guest } from "./guest.svelte.ts";
import type { PageVolunteer } from "./volunteer.svelte.ts";

export type OpenGuest = (volunteer: PageVolunteer) => Promise<Guest>;

/** Fetches what holds work back once there is work to hold back, and asks it from then on. */
export function createGuestDoor(volunteer: PageVolunteer, openGuest: OpenGuest) {
  let guest = $state.raw<Guest | null>(null);
  let isMissed = $state(false);
  let isAsked = false;

  async function open(): Promise<void> {
    isAsked = true;
    try {
      guest = await openGuest(volunteer);
      isMissed = false;
    } catch {
      isMissed = true;
      isAsked = false; // offline: the next that is heard of the work asks again
    }
  }

  return {
    get current() {
      return guest;
    },
    /** It could not be fetched: nothing holds the work back. */
    get isMissed() {
      return isMissed;
    },
    /** Why this page holds work back; null while it does not. */
    get reason(): string | null {
      return guest?.reason ?? null;
    },
    /** Something was heard of the work. */
    look(): void {
      if (guest !== null) guest.look();
      else if (!isAsked && (volunteer.starting || volunteer.engaged)) void open();
    },
    /** Go on, also in spite of what holds work back. */
    resume: (): Promise<void> => (guest ?? volunteer).resume(),
  };
}
