import { type Context, Hono } from "hono";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import { routes } from "../../core/protocol/routes.ts";
import {
  dismissalRequest,
  type JudgeList,
  judgeRequest,
} from "../../core/protocol/schemas/judging.ts";
import type { RelayContext } from "../context.ts";
import type { Limits } from "./limits.ts";
import { maintainerOf } from "./maintainer.ts";
import { Refusal } from "./refusal.ts";

/** For maintainers only: who judges for this relay. `onDismissed` hears of each that does not any more. */
export function judgeRoutes(
  context: Pick<RelayContext, "people" | "identity" | "clock">,
  limits: Limits,
  onDismissed: (judge: string) => void,
): Hono {
  const { people, clock } = context;
  const app = new Hono();
  app.get(routes.judges(), async (c) => {
    await maintainerOf(context, c);
    return answer(c);
  });
  app.post(routes.judges(), async (c) => {
    const maintainer = await maintainerOf(context, c);
    const request = parseJson("request", judgeRequest, await limits.request(c));
    await people.nameJudge({ ...request, maintainer, at: clock() });
    return answer(c);
  });
  app.post(routes.dismissals(), async (c) => {
    const maintainer = await maintainerOf(context, c);
    const request = parseJson("request", dismissalRequest, await limits.request(c));
    if (!(await people.dismissJudge({ ...request, maintainer, at: clock() }))) {
      throw new Refusal("judge-unknown", "no judge has this key");
    }
    onDismissed(request.judge);
    return answer(c);
  });

  async function answer(c: Context): Promise<Response> {
    const judges = (await people.judges()).map((row) => ({
      judge: row.judge,
      name: row.name,
      maintainer: row.maintainer,
      namedAt: row.named_at,
      dismissed:
        row.dismissed_at === null
          ? null
          : { at: row.dismissed_at, reason: row.dismissed_reason ?? "" },
    }));
    return c.json({ judges } satisfies JudgeList);
  }
  return app;
}
