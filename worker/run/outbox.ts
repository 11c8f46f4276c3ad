import { decodePatchHeader } from "../../core/patch/patch.ts";
import { RelayError } from "../../core/protocol/relay-error.ts";
import type { Piece } from "../api.ts";
import type { OutboxEntry } from "../store/store.ts";
import { ticketOfBegun } from "./going-on.ts";
import { askPatiently, type Run } from "./session.ts";
import { KEY_ERASED, StoppedError } from "./words.ts";

/** Keep a finished piece before anything else is done with it. Throws a StoppedError where its key was erased meanwhile. */
export async function keepPiece(entry: OutboxEntry, { store, feed }: Run): Promise<void> {
  if ((await store.keyPair()) === null) throw new StoppedError(KEY_ERASED);
  await store.putOutbox(entry);
  feed.set({ pieces: await store.pieces() });
}

const MISTAKES = 3; // of the relay's own, in a row over one piece: what it will not get over by itself
const MOST_SET_ASIDE = 2; // more, and it is not the pieces: the relay is broken, and waited for

/**
 * Send what waits, oldest first, for as long as it takes. An entry leaves the outbox with the relay's
 * answer for its id: the receipt, or the refusal. Sending one twice is harmless. What the relay can't
 * answer for, however often, is set aside until the next run, so that it holds up nothing else.
 */
export async function sendOutbox(run: Run): Promise<void> {
  const { store, feed, setAside } = run;
  const entries = await store.outbox();
  const begun = entries.length === 0 ? null : await ticketOfBegun(store);
  for (const entry of entries) {
    if (setAside.has(entry.piece.id)) continue;
    await run.pace.pass(run.signal);
    feed.enter("uploading");
    const isBegun = decodePatchHeader(entry.bytes).ticket === begun; // a page that ended while it kept the finished piece left both
    if (isBegun) await store.deleteBegun();
    const answered = await send(entry, run);
    if (answered === null) setAside.add(entry.piece.id);
    else await store.settle(answered);
    feed.set({ pieces: await store.pieces() });
  }
}

/** The piece with the relay's answer; null if it is to be set aside. */
async function send({ bytes, signature, piece }: OutboxEntry, run: Run): Promise<Piece | null> {
  const { client, platform, signal, setAside } = run;
  let startedAt = platform.steadyMs();
  let mistakes = 0;
  try {
    const receipt = await askPatiently(run, async () => {
      startedAt = platform.steadyMs();
      try {
        const { ticket } = decodePatchHeader(bytes);
        const answer = await client.putContribution(piece.id, bytes, signature, { signal, ticket });
        if (answer.id === piece.id) return answer;
        throw new RelayError("answer-malformed", "retry", `a receipt for ${answer.id}`);
      } catch (error) {
        if (!(error instanceof RelayError) || error.code !== "internal") throw error;
        if (++mistakes < MISTAKES || setAside.size >= MOST_SET_ASIDE) throw error;
        return null;
      }
    });
    if (receipt === null) return null;
    const times = { ...piece.times, uploadMs: platform.steadyMs() - startedAt };
    return { ...piece, times, sent: "sent", state: receipt.state };
  } catch (error) {
    // an outdated page keeps its work: the page that replaces it sends it
    if (!(error instanceof RelayError) || error.code === "outdated") throw error;
    const { code, message } = error;
    return { ...piece, sent: "refused", state: null, refusal: { code, message } };
  }
}
