/** The page in real Chromium, over a relay's answers and an engine that the test speaks for. */
import { flushSync, mount, unmount } from "svelte";
import { createRelayClient } from "../../../core/protocol/client.ts";
import type { Architecture } from "../../../core/protocol/schemas/recipe.ts";
import type { Health, ModelCard } from "../../../core/protocol/schemas/status.ts";
import type { VersionSummary } from "../../../core/protocol/schemas/version.ts";
import "../../../web/app.css";
import App from "../../../web/App.svelte";
import { createClock } from "../../../web/state/clock.svelte.ts";
import type { EventStream } from "../../../web/state/feed.ts";
import { createRelay } from "../../../web/state/relay.svelte.ts";
import { createRoute } from "../../../web/state/route.svelte.ts";
import { createVolunteer } from "../../../web/state/volunteer.svelte.ts";
import type { Snapshot, TrialApi, WorkerApi } from "../../../worker/api.ts";
import { READY } from "../../../worker/snapshot-feed.ts";

export const contributor = "ab12".repeat(16);

export const summary = (number: number): VersionSummary => ({
  number,
  id: number.toString(16).padStart(64, "f"),
  parent: null,
  createdAt: 1_000,
  contributions: number === 0 ? 0 : 3,
  contributors: number === 0 ? 0 : 2,
  report: { examples: 3000, lossNats: 0.5 - number / 100, accuracy: 0.86 + number / 100 },
});

const card: ModelCard = {
  recipe: {
    format: "commonweight.recipe/1",
    id: "digits",
    title: "Digits",
    summary: "Reads handwritten digits.",
    licence: "CC0-1.0",
    architecture: { kind: "mlp", inputs: 784, hidden: [8], outputs: 10 },
    data: {
      source: "MNIST",
      licence: "CC-BY-SA-3.0",
      heldOut: { score: 1, gate: 1, report: 3000 },
      shardsPerTicket: 2,
    },
    training: { steps: 50, batch: 32, learningRate: 0.01 },
    mask: { kind: "random", density: 0.02, epochVersions: 1 },
    merge: {
      rule: "mean",
      outerStep: 1,
      cohortSize: 10,
      cohortSeconds: 30,
      stalenessLimit: 4,
      clipFactor: 2,
      newcomerWeight: 0.5,
    },
    score: {
      stepShare: 0.2,
      toleranceNats: 0.01,
      references: 0,
      leastZ: 0,
      sampleShare: 1,
      spotCheckShare: 0,
    },
    gate: { marginNats: 0.01, alpha: 0.05, beta: 0.1, maxExamples: 1 },
  },
  parameters: 200_000,
  base: summary(0),
  head: summary(2),
  shards: 1,
  contributors: 2,
  merged: 6,
};
const shard = { index: 0, sha256: "0".repeat(64), sizeBytes: 50_000, examples: 600, title: "1" };
const health: Health = {
  status: "degraded",
  software: "commonweight 0.1.0",
  protocol: { oldest: 1, newest: 1 },
  relayKey: contributor,
  time: 1,
  models: [
    {
      model: "digits",
      head: 2,
      waiting: { received: 5, scored: 0, queued: 0 },
      oldestSeconds: 600,
      lastMergeAt: null,
      merged24h: 0,
      refused24h: 0,
      release: null,
      onMask24h: null,
      scoreSeconds: null,
      gateTests: [],
      problem: "Scoring has stopped.",
    },
  ],
};
const answers: Record<string, unknown> = {
  "/models/digits/versions": { versions: [summary(2), summary(1), summary(0)], next: null },
  "/models/digits/shards": {
    model: "digits",
    source: "MNIST",
    licence: "x",
    shards: [{ ...shard, trained: 0, contributors: 0 }],
  },
  "/health": health,
  "/leaderboard?model=digits&window=all": {
    model: "digits",
    window: "all",
    entries: [{ rank: 1, contributor, credit: 1200, merged: 4, lastMergedAt: 1 }],
  },
  "/leaderboard?model=digits&window=24h": { model: "digits", window: "24h", entries: [] },
  [`/contributions?contributor=${contributor}`]: { contributions: [] },
};

/** Mount the page. `calls` lists what it asked of the engine, "open" when it was loaded. */
export function openPage(
  options: { readonly updateWaits?: boolean; readonly architecture?: Architecture } = {},
) {
  location.hash = "#/";
  const target = document.body.appendChild(document.createElement("div"));
  const calls: unknown[][] = [];
  const stream = new EventTarget();
  const memory = new Map<string, string>();
  let listener: (snapshot: Snapshot) => void = () => {};
  const command =
    (name: string) =>
    async (...values: unknown[]) => {
      calls.push([name, ...values]);
    };
  const api: WorkerApi = {
    open: command("open"),
    start: command("start"),
    pause: command("pause"),
    resume: command("resume"),
    finish: command("finish"),
    stop: command("stop"),
    setPower: command("setPower"),
    forget: command("forget"),
  };
  const trial: TrialApi = {
    load: command("load"),
    async predict(pixels) {
      calls.push(["predict", pixels.length]);
      return [0.9, 0.4].map((share) =>
        Float32Array.from({ length: 10 }, (_, digit) => (digit === 7 ? share : (1 - share) / 9)),
      );
    },
    async write(task, onByte) {
      calls.push(["write", new TextDecoder().decode(task.prompt)]);
      for (const byte of new TextEncoder().encode(" é!")) await onByte(0, byte);
    },
    stop: command("stop writing"),
  };
  const client = createRelayClient({
    baseUrl: "http://relay",
    fetch: async (url) => {
      const path = url.replace("http://relay/api/v1", "");
      const { architecture = card.recipe.architecture } = options;
      const shown = { ...card, recipe: { ...card.recipe, architecture } };
      const answer = path === "/models" ? { models: [shown] } : answers[path];
      if (answer === undefined) throw new TypeError(`the stage has no answer for ${url}`);
      return Response.json(answer);
    },
  });
  const page = mount(App, {
    target,
    props: {
      relay: createRelay(
        client,
        () => Object.assign(stream, { close: () => {}, readyState: 1 }) as unknown as EventStream,
      ),
      volunteer: createVolunteer({
        openEngine: async (hear) => {
          listener = hear;
          calls.push(["open"]);
          hear(READY);
          return api;
        },
        storage: {
          getItem: (key) => memory.get(key) ?? null,
          setItem: (key, value) => memory.set(key, value),
        },
        openedAtMs: 0,
      }),
      route: createRoute(window),
      clock: createClock(),
      update: {
        available: options.updateWaits ?? false,
        apply: command("apply update"),
      },
      missing: Promise.resolve(null),
      openTrialEngine: () => {
        calls.push(["open trial"]);
        return { api: trial, failed: new Promise<never>(() => {}), close: command("close trial") };
      },
    },
  });
  return {
    calls,
    /** The engine's next snapshot. */
    tell(change: Partial<Snapshot>): void {
      flushSync(() => listener({ ...READY, contributor, model: "digits", ...change }));
    },
    /** The relay's next event. */
    say(type: string, data: unknown): void {
      stream.dispatchEvent(new MessageEvent(type, { data: JSON.stringify(data) }));
    },
    async close(): Promise<void> {
      await unmount(page);
      target.remove();
    },
  };
}
