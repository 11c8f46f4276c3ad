import type { Phase } from "../../worker/api.ts";

/** What is said of a newer build of the page, and the one thing that can be done about it. */
export type UpdateNews = {
  readonly sentence: string;
  readonly button: "Update" | "Update when this piece is done" | "Resume" | null;
};

/** `asked` for the update is who waits for the piece that is under way, if the page is `busy` with one. */
export function describeUpdate(asked: boolean, busy: boolean, phase: Phase): UpdateNews {
  const ready = "A new version of this page is ready.";
  if (!busy) {
    return { sentence: `${ready} No piece is under way, so it takes a second.`, button: "Update" };
  }
  if (!asked) return { sentence: ready, button: "Update when this piece is done" };
  if (phase === "paused") {
    return {
      sentence: "The new version waits for this piece, which is paused: resume it, or stop it.",
      button: "Resume",
    };
  }
  const sentence =
    phase === "offline"
      ? "The new version starts as soon as this piece is sent, and the relay can't be reached now."
      : "The new version starts as soon as this piece is done.";
  return { sentence, button: null };
}
