import { RelayError } from "../core/protocol/relay-error.ts";
import type { Piece } from "./api.ts";
import { askPatiently, type Run } from "./session.ts";
import type { OutboxEntry } from "./store.ts";

/** Keep a finished piece before anything else is done with it. */
export async function keepPiece(entry: OutboxEntry, { store, feed }: Run): Promise<void> {
  await store.putOutbox(entry);
  feed.set({ pieces: await store.pieces() });
}

/**
 * Send what waits, oldest first, for as long as it takes. An entry leaves the outbox with the relay's
 * answer for its id: the receipt, or the refusal. Sending one twice is harmless.
 */
export async function sendOutbox(run: Run): Promise<void> {
  const { store, feed } = run;
  for (const entry of await store.outbox()) {
    await run.pace.pass(run.signal);
    feed.enter("uploading");
    await store.settle(await send(entry, run));
    feed.set({ pieces: await store.pieces() });
  }
}

async function send({ bytes, signature, piece }: OutboxEntry, run: Run): Promise<Piece> {
  const { client, platform, signal } = run;
  let startedAt = platform.now();
  try {
    const receipt = await askPatiently(run, async () => {
      startedAt = platform.now();
      const answer = await client.putContribution(piece.id, bytes, signature, { signal });
      if (answer.id === piece.id) return answer;
      throw new RelayError("answer-malformed", "retry", `a receipt for ${answer.id}`);
    });
    const times = { ...piece.times, uploadMs: platform.now() - startedAt };
    return { ...piece, times, sent: "sent", state: receipt.state };
  } catch (error) {
    // an outdated page keeps its work: the page that replaces it sends it
    if (!(error instanceof RelayError) || error.code === "outdated") throw error;
    const { code, message } = error;
    return { ...piece, sent: "refused", state: null, refusal: { code, message } };
  }
}
