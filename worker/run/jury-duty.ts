import { publicKeyHex } from "../../core/crypto/signature.ts";
import { RelayError } from "../../core/protocol/relay-error.ts";
import type { JudgingJob } from "../../core/protocol/schemas/judging.ts";
import { doEvaluationJob } from "../../core/training/evaluation-job.ts";
import { encodeJudgement } from "../../core/training/judgement.ts";
import type { RunningEngine } from "../device/engine.ts";
import { loadBase } from "../link/base-loading.ts";
import { keepPace, type Session } from "./session.ts";
import { DEVICE_REOPENED, JUDGING_FULL } from "./words.ts";

const RENEW_MS = 20_000; // a third of a lease
const FORGIVEN: ReadonlySet<string> = new Set(["RelayError", "FormatError"]);

/** The jury duty of one run: it is done between two pieces, as often as the relay says. */
export type JuryDuty = {
  /**
   * Do what there is to do now. A device that failed meanwhile is opened anew, so that training goes on: returns the session
   * to go on with. Throws what doJuryDuty does, but for a lost device or one without memory.
   */
  serve(session: Session): Promise<Session>;
};

/** `reopen` gives another engine for the one that failed. */
export function createJuryDuty(reopen: (session: Session) => Promise<RunningEngine>): JuryDuty {
  let notBefore = Number.NEGATIVE_INFINITY; // by the platform's steady clock
  return {
    async serve(session) {
      const { feed, platform, signal } = session;
      if (platform.steadyMs() < notBefore) return session;
      try {
        const retryAfterSeconds = await doJuryDuty(session);
        notBefore = platform.steadyMs() + retryAfterSeconds * 1000;
        return session;
      } catch (error) {
        const name = error instanceof Error ? error.name : "";
        const isFull = name === "DeviceMemoryError";
        if (signal.aborted || (!isFull && name !== "DeviceLostError")) throw error;
        if (isFull) notBefore = Number.POSITIVE_INFINITY; // it would be full again
        feed.enter("checking", isFull ? JUDGING_FULL : DEVICE_REOPENED);
        return { ...session, engine: await reopen(session) };
      }
    },
  };
}

/**
 * Judge what this volunteer was drawn for (protocol J8), piece after piece, until nothing is left or the volunteer wants to
 * finish. Where the relay or its data fails that ends, and the relay draws somebody else. Returns in how many seconds to ask
 * again. Throws the signal's reason, and what the device throws.
 */
export async function doJuryDuty(session: Session): Promise<number> {
  const { card, feed, signal } = session;
  if (card.recipe.gate.jury === undefined) return Number.POSITIVE_INFINITY;
  try {
    do {
      await session.pace.pass(signal);
      const { job, retryAfterSeconds } = await askForJob(session);
      if (job === null) return retryAfterSeconds;
      feed.enter("judging");
      await judgePiece(job, session);
    } while (!feed.current().finishing);
  } catch (error) {
    if (signal.aborted) throw error;
    if (!(error instanceof Error) || !FORGIVEN.has(error.name)) throw error;
    if (error instanceof RelayError) return error.retryAfterSeconds ?? 0;
  }
  return 0;
}

/** A piece to judge, or null; with `holds`, say that one is still being done. */
async function askForJob({ client, keys, card, platform, signal }: Session, holds?: string) {
  const judge = await publicKeyHex(keys);
  const request = { judge, issuedAt: platform.now(), model: card.recipe.id };
  const asked = holds === undefined ? request : { ...request, holds };
  return client.job(asked, keys.privateKey, { signal });
}

async function judgePiece(job: JudgingJob, session: Session): Promise<void> {
  const { client, keys, engine, platform, signal } = session;
  const { model, architecture, work } = job;
  if (model !== session.card.recipe.id || work.kind !== "evaluate") {
    throw new RelayError(
      "ticket-invalid",
      "discard",
      "the relay gave a job that is none of a juror's",
    );
  }
  const judge = await publicKeyHex(keys);
  const layout = engine.layoutOf(architecture);
  const progress = { expect: () => {}, receive: () => {} }; // a juror has trained on the head: little is to be fetched
  const source = { ...session, progress };
  const base = await loadBase(job, layout, source);
  let renewedAt = platform.steadyMs();
  const onBatch = async () => {
    await keepPace(session);
    if (platform.steadyMs() - renewedAt < RENEW_MS) return;
    renewedAt = platform.steadyMs();
    await askForJob(session, job.id);
  };
  const input = (sha256: string) => {
    const request = { judge, issuedAt: platform.now() };
    return client.jobInput(job.id, sha256, request, keys.privateKey, { signal });
  };
  const { evaluate } = engine;
  const task = { architecture, base, input, evaluate };
  const evaluation = await doEvaluationJob(work, task, { signal, onBatch });
  const bytes = encodeJudgement(job.id, { kind: "evaluate", ...evaluation }, layout.size);
  await client.putJudgement(job.id, bytes, keys.privateKey, { signal });
}
