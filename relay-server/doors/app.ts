import { Hono } from "hono";
import { PROTOCOL_HEADER, PROTOCOL_VERSION } from "../../core/protocol/limits.ts";
import { API, routes } from "../../core/protocol/routes.ts";
import type { Health } from "../../core/protocol/schemas/status.ts";
import type { Ticket } from "../../core/protocol/schemas/ticket.ts";
import type { Alerts } from "../alerts/alerts.ts";
import type { MaskCache } from "../content/masks.ts";
import type { RelayContext } from "../context.ts";
import type { Additions } from "../history/additions.ts";
import type { Checkpoints } from "../history/checkpoints.ts";
import type { Exports } from "../history/exports.ts";
import { createIntake } from "../intake/intake.ts";
import type { Jobs } from "../judging/jobs.ts";
import type { Jurors } from "../judging/jurors.ts";
import { createCloths } from "../merging/cloths.ts";
import { healthOf } from "../merging/health.ts";
import type { RevertOutlooks } from "../merging/revert-outlooks.ts";
import type { EventHub } from "../store/event-hub.ts";
import { additionRoutes } from "./addition-routes.ts";
import { adminRoutes } from "./admin-routes.ts";
import { alertRoutes } from "./alert-routes.ts";
import { blobRoutes } from "./blob-routes.ts";
import { checkpointRoutes } from "./checkpoint-routes.ts";
import { contributionRoutes } from "./contribution-routes.ts";
import { contributorRoutes } from "./contributor-routes.ts";
import { eventRoutes } from "./event-routes.ts";
import { flowRoutes } from "./flow-routes.ts";
import { holderRoutes } from "./holder-routes.ts";
import { judgeRoutes } from "./judge-routes.ts";
import { judgingRoutes } from "./judging-routes.ts";
import type { Limits } from "./limits.ts";
import { createMemo } from "./memo.ts";
import { metricsRoutes } from "./metrics-routes.ts";
import { modelRoutes } from "./model-routes.ts";
import { nowRoutes } from "./now-routes.ts";
import { openApiDocument, patternOf } from "./openapi.ts";
import { OPERATIONS } from "./operations.ts";
import { pageRoutes } from "./pages.ts";
import { previewRoutes } from "./preview-routes.ts";
import { proposalRoutes } from "./proposal-routes.ts";
import { recipeRoutes } from "./recipe-routes.ts";
import { answerError, Refusal, refusalAnswer } from "./refusal.ts";
import { refusedWorkRoutes } from "./refused-work-routes.ts";
import { securityHeaders } from "./security-headers.ts";
import { sessionRoutes } from "./session-routes.ts";
import { signallingRoutes } from "./signalling.ts";
import { statusRoutes } from "./status-routes.ts";
import { suiteRoutes } from "./suite-routes.ts";
import { ticketRoutes } from "./ticket-routes.ts";

export type AppParts = {
  readonly context: RelayContext;
  readonly additions: Additions;
  readonly alerts: Alerts;
  readonly checkpoints: Checkpoints;
  readonly exports: Exports;
  readonly hub: EventHub;
  readonly positionsOf: MaskCache;
  readonly outlooks: RevertOutlooks;
  readonly limits: Limits;
  /** Hears of which model there may be something to score or merge. */
  readonly onWork: (model: string) => void;
  readonly jobs: Jobs;
  readonly jurors: Jurors;
  /** Hears of each judge that a maintainer dismisses. */
  readonly onDismissed: (judge: string) => void;
  /** Hears of each ticket that is given out. */
  readonly onTicket: (ticket: Ticket) => void;
};

const HEALTH_MAX_AGE_MS = 1000; // what no event tells of: ages and durations

/** The relay's HTTP side: API, metrics and page on one port. */
export function createApp(parts: AppParts): Hono {
  const { context, alerts, checkpoints, exports, hub } = parts;
  const { positionsOf, outlooks, limits, onWork, onTicket } = parts;
  const app = new Hono();
  const intake = createIntake(context, positionsOf, limits.key);
  const answers = new Map<number, number>();
  const healths = createMemo<Health>(context.clock);
  /** Made anew once an event was told, so that whoever asks because of one does not hear what was before it. */
  const health = () =>
    healths({ name: "health", state: hub.last(), maxAgeMs: HEALTH_MAX_AGE_MS }, () =>
      healthOf(context),
    );

  app.onError(answerError);
  app.notFound((c) => refusalAnswer(c, "route-unknown", "there is no such route"));
  app.use(securityHeaders(context.config.blobUrl));
  app.use(async (c, next) => {
    await next();
    answers.set(c.res.status, (answers.get(c.res.status) ?? 0) + 1);
  });
  app.use(limits.inFlight);
  app.use(limits.hold);
  app.use(`${API}/*`, async (c, next) => {
    const version = c.req.header(PROTOCOL_HEADER);
    if (version !== undefined && version !== String(PROTOCOL_VERSION)) {
      throw new Refusal("outdated", `this relay speaks protocol ${PROTOCOL_VERSION} only: reload`);
    }
    await next();
    if (!c.res.headers.has("cache-control")) c.res.headers.set("cache-control", "no-cache");
  });

  for (const operation of OPERATIONS) {
    const { method, path, maintainer, cost } = operation;
    const isGuarded = maintainer === true || path === routes.session(); // tokens are not to be guessed at speed
    const isRead = !isGuarded && (method === "get" || cost !== undefined);
    app.on(method.toUpperCase(), patternOf(operation), async (c, next) => {
      if (isRead) limits.reads(c, c.req.method === "HEAD" ? 1 : (cost ?? 1));
      else limits.address(c);
      await next();
    });
  }
  const document = openApiDocument();
  app.get(`${API}/openapi.json`, (c) => c.json(document));
  const onCreated = (model: string) => {
    hub.wake();
    onWork(model);
  };
  app.route("/", statusRoutes(context, health));
  app.route("/", refusedWorkRoutes(context));
  app.route("/", flowRoutes(context));
  app.route("/", nowRoutes(context));
  const cloths = createCloths(context, positionsOf);
  app.route("/", modelRoutes(context, cloths));
  app.route("/", contributorRoutes(context, limits, cloths));
  app.route("/", checkpointRoutes(context, checkpoints, exports));
  app.route("/", blobRoutes(context));
  app.route("/", ticketRoutes(context, limits, onTicket));
  app.route("/", holderRoutes(context, checkpoints, limits));
  app.route("/", contributionRoutes(context, limits, intake, onCreated));
  app.route("/", suiteRoutes(context, limits, onCreated));
  app.route("/", proposalRoutes(context, { limits, positionsOf }, onCreated));
  const chance = Math.random; // no lot: it decides nothing
  app.route("/", eventRoutes({ status: context.status, hub, chance, enter: limits.stream }));
  app.route("/", adminRoutes(context, hub, limits, onWork));
  app.route("/", recipeRoutes(context, hub, limits, onWork));
  app.route("/", additionRoutes(context, parts.additions, limits));
  app.route("/", judgingRoutes(context, parts, limits));
  app.route("/", judgeRoutes(context, limits, parts.onDismissed));
  app.route("/", alertRoutes(context, alerts, limits));
  app.route("/", sessionRoutes(context, limits));
  app.route("/", previewRoutes(context, outlooks, onWork));
  app.route("/", metricsRoutes(health, answers, alerts));
  app.route("/", signallingRoutes());
  app.get(`${API}/*`, (c) => c.notFound());
  app.route("/", pageRoutes(context.config.webDir));
  return app;
}
