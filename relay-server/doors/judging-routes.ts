import { setTimeout as wait } from "node:timers/promises";
import { type Context, Hono } from "hono";
import type * as z from "zod/mini";
import { sha256, verifyId } from "../../core/crypto/signature.ts";
import { NEWCOMER_MERGES } from "../../core/merge/multiplier.ts";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import { CLOCK_SKEW_MS, MAX_JUDGEMENT_BYTES } from "../../core/protocol/limits.ts";
import { routes } from "../../core/protocol/routes.ts";
import {
  type JobAnswer,
  type JudgingJob,
  jobInputRequest,
  jobRequest,
} from "../../core/protocol/schemas/judging.ts";
import { verifyRequest } from "../../core/protocol/signed-request.ts";
import { decodeJudgement } from "../../core/training/judgement.ts";
import type { RelayContext } from "../context.ts";
import type { Jobs } from "../judging/jobs.ts";
import type { Jurors } from "../judging/jurors.ts";
import { modelUnknown } from "./answers.ts";
import type { Limits } from "./limits.ts";
import { pathPart } from "./params.ts";
import { Refusal } from "./refusal.ts";
import { signatureOf } from "./ticket-routes.ts";

const LISTEN_MS = 2000; // a judge that asks is answered when a job comes, or after this
const ASK_SECONDS = 1; // after an answer without a job: evaluations follow each other closely
const RENEW_SECONDS = 20; // a third of a lease
const NEWCOMER_SECONDS = 300; // ten merges take longer

type JudgingContext = Pick<RelayContext, "people" | "contributions" | "models" | "clock">;

/** For judges, and volunteers drawn as jurors: jobs, and what they came to (protocol J). */
export function judgingRoutes(
  { people, contributions, models, clock }: JudgingContext,
  { jobs, jurors }: { readonly jobs: Jobs; readonly jurors: Jurors },
  limits: Limits,
): Hono {
  const app = new Hono();
  app.post(routes.jobs(), async (c) => {
    const { judge, holds, model } = await signedBody(c, routes.jobs(), jobRequest);
    if (model === undefined) await expectJudge(judge);
    else if (!(await isJuror(judge, model))) {
      jurors.leave(model, judge); // it may have been one as it asked last
      jobs.vacate(judge);
      return c.json({ job: null, retryAfterSeconds: NEWCOMER_SECONDS } satisfies JobAnswer);
    }
    if (holds === undefined && model !== undefined) {
      const network = limits.network(c);
      if (network !== null) jurors.note(model, { contributor: judge, network });
      const job = jobs.takeSeat(judge);
      return c.json({ job, retryAfterSeconds: RENEW_SECONDS } satisfies JobAnswer);
    }
    if (holds === undefined) {
      jobs.release(judge);
      const job = jobs.take(judge) ?? (await takeSoon(judge, c.req.raw.signal));
      const retryAfterSeconds = job === null ? ASK_SECONDS : RENEW_SECONDS;
      return c.json({ job, retryAfterSeconds } satisfies JobAnswer);
    }
    if (!jobs.renew(judge, holds)) throw lost();
    return c.json({ job: null, retryAfterSeconds: RENEW_SECONDS } satisfies JobAnswer);
  });
  app.post(routes.jobInput(":id", ":sha256"), async (c) => {
    const [id, hash] = [pathPart(c, "id"), pathPart(c, "sha256")];
    const { judge } = await signedBody(c, routes.jobInput(id, hash), jobInputRequest);
    const leased = jobs.leased(id);
    if (leased?.judge !== judge) throw lost();
    if (!leased.isSeat) await expectJudge(judge);
    const bytes = leased.inputs.get(hash);
    if (bytes === undefined) throw new Refusal("blob-unknown", "this job has no file of that hash");
    return c.body(bytes, 200, {
      "content-type": "application/octet-stream",
      "cache-control": "no-store",
    });
  });
  app.put(routes.job(":id"), async (c) => {
    const id = pathPart(c, "id");
    const signature = signatureOf(c);
    const leased = jobs.leased(id); // before a byte of the body is taken
    if (leased === null) throw lost();
    const { judge, job } = leased;
    const bytes = await limits.upload(c, MAX_JUDGEMENT_BYTES);
    if (!(await verifyId("judgement", await sha256(bytes), signature, judge))) {
      throw new Refusal("signature-invalid", "these bytes are not signed by the job's judge");
    }
    if (!leased.isSeat) await expectJudge(judge);
    const size = models.get(job.model)?.layout.size ?? 0;
    const judgement = decodeJudgement(bytes, { id, work: job.work, size });
    if (!jobs.finish(judge, id, judgement)) throw lost(); // its lease may have lapsed while the body came
    return c.json({ id }, 201);
  });

  /** The body that its judge has signed for `path`. */
  async function signedBody<B extends { judge: string; issuedAt: number }>(
    c: Context,
    path: string,
    schema: z.ZodMiniType<B>,
  ): Promise<B> {
    const body = await limits.request(c);
    const request = parseJson("job request", schema, body);
    const { judge, issuedAt } = request;
    if (!(await verifyRequest(path, body, signatureOf(c), judge))) {
      throw new Refusal("signature-invalid", "this request is not signed by its judge");
    }
    if (Math.abs(issuedAt - clock()) > CLOCK_SKEW_MS) {
      throw new Refusal("clock-skew", "issuedAt is more than five minutes off the relay's clock");
    }
    if (!(await people.isJudge(judge))) limits.key(judge); // a judge asks as often as it ends evaluations, and only its network is counted
    return request;
  }

  /** A job that comes while the judge listens; a judge that has gone meanwhile takes none. */
  async function takeSoon(judge: string, signal: AbortSignal): Promise<JudgingJob | null> {
    const time = new AbortController();
    await Promise.race([
      jobs.arrival(),
      wait(LISTEN_MS, undefined, { signal: AbortSignal.any([signal, time.signal]) }).catch(
        () => {}, // it is listened to no longer
      ),
    ]);
    time.abort();
    return signal.aborted ? null : jobs.take(judge);
  }

  /** Whether a volunteer may judge a model: its recipe has a jury, and the volunteer is no newcomer to it and not banned. */
  async function isJuror(contributor: string, model: string): Promise<boolean> {
    const served = models.get(model);
    if (served === undefined) throw modelUnknown();
    if (served.recipe.gate.jury === undefined) return false;
    if ((await people.banReason(contributor)) !== undefined) return false;
    return (await contributions.mergesInARowOf(model, contributor)) >= NEWCOMER_MERGES;
  }

  async function expectJudge(judge: string): Promise<void> {
    if (await people.isJudge(judge)) return;
    throw new Refusal("judge-unknown", "no maintainer of this relay has named this key as a judge");
  }
  return app;
}

function lost(): Refusal {
  return new Refusal("job-unknown", "this job is not yours any more: ask for another");
}
