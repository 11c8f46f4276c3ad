import { Hono } from "hono";
import { sha256, verifyId } from "../../core/crypto/signature.ts";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import { CLOCK_SKEW_MS, MAX_JUDGEMENT_BYTES } from "../../core/protocol/limits.ts";
import { routes } from "../../core/protocol/routes.ts";
import { type JobAnswer, jobRequest } from "../../core/protocol/schemas/judging.ts";
import { verifyRequest } from "../../core/protocol/signed-request.ts";
import { decodeJudgement } from "../../core/training/judgement.ts";
import type { RelayContext } from "../context.ts";
import type { Jobs } from "../judging/jobs.ts";
import type { Limits } from "./limits.ts";
import { pathPart } from "./params.ts";
import { Refusal } from "./refusal.ts";
import { signatureOf } from "./ticket-routes.ts";

const ASK_SECONDS = 3; // a contribution waits for its job no longer than that
const RENEW_SECONDS = 20; // a third of a lease

/** For judges only: jobs, and what they came to (protocol J). */
export function judgingRoutes(
  { people, models, clock }: Pick<RelayContext, "people" | "models" | "clock">,
  jobs: Jobs,
  limits: Limits,
): Hono {
  const app = new Hono();
  app.post(routes.jobs(), async (c) => {
    const body = await limits.request(c);
    const { judge, issuedAt, holds } = parseJson("job request", jobRequest, body);
    if (!(await verifyRequest(routes.jobs(), body, signatureOf(c), judge))) {
      throw new Refusal("signature-invalid", "this request is not signed by its judge");
    }
    if (Math.abs(issuedAt - clock()) > CLOCK_SKEW_MS) {
      throw new Refusal("clock-skew", "issuedAt is more than five minutes off the relay's clock");
    }
    limits.key(judge);
    await expectJudge(judge);
    if (holds === undefined) {
      const job = jobs.take(judge);
      const retryAfterSeconds = job === null ? ASK_SECONDS : RENEW_SECONDS;
      return c.json({ job, retryAfterSeconds } satisfies JobAnswer);
    }
    if (!jobs.renew(judge, holds)) throw lost();
    return c.json({ job: null, retryAfterSeconds: RENEW_SECONDS } satisfies JobAnswer);
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
    await expectJudge(judge);
    const size = models.get(job.model)?.layout.size ?? 0;
    const judgement = decodeJudgement(bytes, { id, work: job.work, size });
    if (!jobs.finish(judge, id, judgement)) throw lost(); // its lease may have lapsed while the body came
    return c.json({ id }, 201);
  });

  async function expectJudge(judge: string): Promise<void> {
    if (await people.isJudge(judge)) return;
    throw new Refusal("judge-unknown", "no maintainer of this relay has named this key as a judge");
  }
  return app;
}

function lost(): Refusal {
  return new Refusal("job-unknown", "this job is not yours any more: ask for another");
}
