/** How long a client waits for the relay to answer, from the first byte that it sends. */
export const ANSWER_TIMEOUT_MS = 120_000; // a patch of 4 MB on a line of 0.3 Mbit/s
