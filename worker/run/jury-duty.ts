import { publicKeyHex } from "../../core/crypto/signature.ts";
import { RelayError } from "../../core/protocol/relay-error.ts";
import type { JudgingJob } from "../../core/protocol/schemas/judging.ts";
import { doEvaluationJob } from "../../core/training/evaluation-job.ts";
import { encodeJudgement } from "../../core/training/judgement.ts";
import { loadBase } from "../link/base-loading.ts";
import { keepPace, type Session } from "./session.ts";

const RENEW_MS = 20_000; // a third of a lease
const FORGIVEN: ReadonlySet<string> = new Set([
  "RelayError",
  "FormatError",
  "DeviceLostError", // training opens it anew
  "DeviceMemoryError",
]);

/**
 * Judge what this volunteer was drawn for (protocol J8), piece after piece, until nothing is left. What fails ends it, and the
 * relay draws somebody else: training goes on. Throws the signal's reason.
 */
export async function doJuryDuty(session: Session): Promise<void> {
  const { card, feed, signal } = session;
  if (card.recipe.gate.jury === undefined) return;
  try {
    for (;;) {
      await session.pace.pass(signal);
      const { job } = await askForJob(session);
      if (job === null) return;
      feed.enter("judging");
      await judgePiece(job, session);
    }
  } catch (error) {
    if (signal.aborted) throw error;
    if (!(error instanceof Error) || !FORGIVEN.has(error.name)) throw error;
  }
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
