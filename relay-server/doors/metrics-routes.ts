import { Hono } from "hono";
import type { Alert } from "../../core/protocol/schemas/alerts.ts";
import { gateTest, type Health, type ModelHealth } from "../../core/protocol/schemas/status.ts";
import type { SwarmFigures } from "../../core/protocol/schemas/swarm.ts";
import type { Alerts } from "../alerts/alerts.ts";
import { isOutage } from "../storage-error.ts";

const DECISIONS = gateTest.shape.decision.options;
const PATIENCE_MS = 5000; // Prometheus waits 10 s, and a database that hangs is told by the answers' counts

/** Prometheus text: what waits, what was merged, how the requests were answered; the last alone while the ledger is away. */
export function metricsRoutes(
  health: () => Promise<Health>,
  answers: ReadonlyMap<number, number>,
  alerts: Pick<Alerts, "list">,
): Hono {
  const app = new Hono();
  app.get("/metrics", async (c) => {
    const lines = [
      ...header("commonweight_answers_total", "counter", "HTTP answers by status since the start."),
      ...[...new Map([...NONE_YET, ...answers])].map(
        ([status, n]) => `commonweight_answers_total{status="${status}"} ${n}`,
      ),
      ...header("commonweight_ledger_answers", "gauge", "1 where the ledger answers, else 0."),
      ...header("commonweight_alerts", "gauge", "Things that need a maintainer, by kind."),
      ...header("commonweight_head", "gauge", "Number of the newest version."),
      ...header("commonweight_waiting", "gauge", "Contributions that wait, by state."),
      ...header("commonweight_oldest_seconds", "gauge", "Age of the oldest one that waits."),
      ...header("commonweight_merged", "gauge", "Contributions merged within 24 hours."),
      ...header(
        "commonweight_refused",
        "gauge",
        "Contributions refused by judging within 24 hours.",
      ),
      ...header("commonweight_release", "gauge", "Number of the last version that was tagged."),
      ...header(
        "commonweight_standard",
        "gauge",
        "Number of the version that stands for the last release.",
      ),
      ...header("commonweight_on_mask", "gauge", "Share of 24 hours' work on the mask in force."),
      ...header(
        "commonweight_turned_away",
        "gauge",
        "Requests for work of the last ten minutes that found no room in the queue.",
      ),
      ...header("commonweight_score_seconds", "gauge", "Time that judging one contribution takes."),
      ...header("commonweight_gate_tests", "gauge", "The gate's last candidates, by decision."),
      ...header("commonweight_swarm_holders", "gauge", "Peers that offer chunks of a model."),
      ...header(
        "commonweight_swarm_bytes_total",
        "counter",
        "What sharing pages loaded since the start, by where it came from.",
      ),
      ...header(
        "commonweight_swarm_connections_total",
        "counter",
        "Connections between peers since the start, tried and made.",
      ),
      ...header("commonweight_swarm_wrong_chunks_total", "counter", "Chunks with another hash."),
      ...header("commonweight_signalling_peers", "gauge", "Peers at this relay's signalling."),
    ];
    const [known, list] = await Promise.all([inTime(health()), inTime(alerts.list())]);
    lines.push(`commonweight_ledger_answers ${known === null || list === null ? 0 : 1}`);
    lines.push(...alertSamples(list?.alerts ?? []));
    const { swarm, models } = known ?? { swarm: null, models: [] };
    if (swarm !== null) lines.push(`commonweight_signalling_peers ${swarm.peers}`);
    for (const model of models) lines.push(...samplesOf(model));
    return c.text(`${lines.sort(byMetric).join("\n")}\n`, 200, {
      "content-type": "text/plain; version=0.0.4",
    });
  });
  return app;
}

/** The first mistake and the first outage can be seen as a rise alone. */
const NONE_YET: readonly [number, number][] = [
  [500, 0],
  [503, 0],
];

/** What is promised; null if the ledger or a file is away, or it does not come in time. */
async function inTime<T>(promised: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), PATIENCE_MS);
  });
  try {
    const found = promised.catch((error: unknown) => {
      if (isOutage(error)) return null;
      throw error; // a mistake of the relay's own is a 500, and logged
    });
    return await Promise.race([found, late]);
  } finally {
    clearTimeout(timer);
  }
}

function alertSamples(alerts: readonly Pick<Alert, "kind" | "model">[]): string[] {
  const told = alerts.map(({ kind, model }) =>
    model === null ? `{kind="${kind}"}` : `{kind="${kind}",model="${model}"}`,
  );
  return [...new Set(told)].map((labels) => {
    const count = told.filter((each) => each === labels).length;
    return `commonweight_alerts${labels} ${count}`;
  });
}

/** What is not known yet has no sample. */
function samplesOf(health: ModelHealth): string[] {
  const sample = (name: string, value: number | null, label = "") =>
    value === null ? [] : [`commonweight_${name}{model="${health.model}"${label}} ${value}`];
  return [
    ...sample("head", health.head),
    ...Object.entries(health.waiting).flatMap(([state, waiting]) =>
      sample("waiting", waiting, `,state="${state}"`),
    ),
    ...sample("oldest_seconds", health.oldestSeconds),
    ...sample("merged", health.merged24h),
    ...sample("refused", health.refused24h),
    ...sample("release", health.release?.version ?? null),
    ...sample("standard", health.standard),
    ...sample("on_mask", health.onMask24h),
    ...sample("turned_away", health.turnedAway),
    ...sample("score_seconds", health.scoreSeconds),
    ...(health.swarm === null ? [] : swarmSamples(health.swarm, sample)),
    ...DECISIONS.flatMap((decision) => {
      const tests = health.gateTests.filter((test) => test.decision === decision);
      return sample("gate_tests", tests.length, `,decision="${decision}"`);
    }),
  ];
}

function swarmSamples(
  swarm: SwarmFigures,
  sample: (name: string, value: number, label?: string) => string[],
): string[] {
  return [
    ...sample("swarm_holders", swarm.holders),
    ...sample("swarm_bytes_total", swarm.fromPeersBytes, ',from="peers"'),
    ...sample("swarm_bytes_total", swarm.fromRelayBytes, ',from="relay"'),
    ...sample("swarm_connections_total", swarm.tried, ',state="tried"'),
    ...sample("swarm_connections_total", swarm.connected, ',state="made"'),
    ...sample("swarm_wrong_chunks_total", swarm.wrongChunks),
  ];
}

function header(name: string, type: "counter" | "gauge", help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

/** The format wants the lines of a metric together, its HELP and TYPE first; the sort keeps their order. */
function byMetric(a: string, b: string): number {
  const [x, y] = [metricOf(a), metricOf(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

function metricOf(line: string): string {
  return /commonweight_\w+/.exec(line)?.[0] ?? "";
}
