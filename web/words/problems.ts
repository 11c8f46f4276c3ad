import { RelayError } from "../../core/protocol/relay-error.ts";

/** Why something could not be read from the relay, as one plain sentence. */
export function problemWords(error: unknown): string {
  if (!(error instanceof RelayError)) {
    return `This page made a mistake of its own: ${errorWords(error)}`;
  }
  switch (error.code) {
    case "unreachable":
      return "The relay can't be reached. This page keeps trying.";
    case "answer-malformed":
    case "answer-too-large":
      return "The relay's answer can't be understood. Reload the page; it may be out of date.";
    case "outdated":
      return "This page is out of date. Reload it.";
    case "rate-limited":
    case "unavailable":
      return "The relay is busy. This page asks again by itself.";
    default:
      return error.message;
  }
}

/** What went wrong, in the error's own sentence. */
export const errorWords = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
