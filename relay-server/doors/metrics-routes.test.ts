import { afterEach, expect, test, vi } from "vitest";
import { metricsRoutes } from "./metrics-routes.ts";

afterEach(() => vi.useRealTimers());

const answers = new Map([
  [200, 7],
  [503, 60],
]);
const away = () => Promise.reject(new Error("Connection terminated unexpectedly"));

/** The samples that Prometheus reads, without their help. */
async function samplesWhere(read: () => Promise<never>): Promise<string[]> {
  const app = metricsRoutes(read, answers, { list: read });
  const asked = app.request("/metrics");
  if (vi.isFakeTimers()) await vi.advanceTimersByTimeAsync(5000);
  const answer = await asked;
  expect(answer.status).toBe(200);
  return (await answer.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

const counts = [
  'commonweight_answers_total{status="200"} 7',
  'commonweight_answers_total{status="500"} 0',
  'commonweight_answers_total{status="503"} 60',
  "commonweight_ledger_answers 0",
];

test("H18: while the database is away Prometheus still reads how requests are answered, from the first mistake on", async () => {
  expect((await samplesWhere(away)).toSorted()).toEqual(counts);
});

test("H18: a database that hangs holds Prometheus up for five seconds", async () => {
  vi.useFakeTimers();
  expect((await samplesWhere(() => new Promise(() => {}))).toSorted()).toEqual(counts);
});

test("H18: a mistake of the relay's own is no outage", async () => {
  const app = metricsRoutes(() => Promise.reject(new TypeError("x is undefined")), answers, {
    list: away,
  });
  app.onError(() => new Response("a mistake", { status: 500 }));
  expect((await app.request("/metrics")).status).toBe(500);
});
