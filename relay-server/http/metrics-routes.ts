import { Hono } from "hono";
import type { RelayContext } from "../context.ts";
import { modelHealthOf } from "./answers.ts";

/** Prometheus text: what waits, what was merged, how the requests were answered. */
export function metricsRoutes(context: RelayContext, answers: ReadonlyMap<number, number>): Hono {
  const app = new Hono();
  app.get("/metrics", async (c) => {
    const lines = [
      ...header("commonweight_answers_total", "counter", "HTTP answers by status since the start."),
      ...[...answers].map(([status, n]) => `commonweight_answers_total{status="${status}"} ${n}`),
      ...header("commonweight_head", "gauge", "Number of the newest version."),
      ...header("commonweight_waiting", "gauge", "Contributions that wait, by state."),
      ...header("commonweight_oldest_seconds", "gauge", "Age of the oldest one that waits."),
      ...header("commonweight_merged", "gauge", "Contributions merged within 24 hours."),
      ...header(
        "commonweight_refused",
        "gauge",
        "Contributions refused after scoring within 24 hours.",
      ),
    ];
    for (const id of context.models.keys()) {
      const { head, waiting, oldestSeconds, merged24h, refused24h } = await modelHealthOf(
        context,
        id,
      );
      const model = `model="${id}"`;
      lines.push(
        `commonweight_head{${model}} ${head}`,
        `commonweight_waiting{${model},state="received"} ${waiting.received}`,
        `commonweight_waiting{${model},state="queued"} ${waiting.queued}`,
        `commonweight_oldest_seconds{${model}} ${oldestSeconds}`,
        `commonweight_merged{${model}} ${merged24h}`,
        `commonweight_refused{${model}} ${refused24h}`,
      );
    }
    return c.text(`${lines.sort(byMetric).join("\n")}\n`, 200, {
      "content-type": "text/plain; version=0.0.4",
    });
  });
  return app;
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
