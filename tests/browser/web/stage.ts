/** The page in real Chromium, over a relay's answers and an engine that the test speaks for. */
import { flushSync, mount, unmount } from "svelte";
import { createRelayClient } from "../../../core/protocol/client.ts";
import type { Architecture, Recipe } from "../../../core/protocol/schemas/recipe.ts";
import type { ModelCard } from "../../../core/protocol/schemas/status.ts";
import "../../../web/app.css";
import App from "../../../web/App.svelte";
import { createClock } from "../../../web/state/clock.svelte.ts";
import type { EventStream } from "../../../web/state/feed.ts";
import { createGuest, guestSurroundings } from "../../../web/state/guest.svelte.ts";
import { createRelay } from "../../../web/state/relay.svelte.ts";
import { createRoute } from "../../../web/state/route.svelte.ts";
import { noOtherTab, type OtherTab } from "../../../web/state/tabs.svelte.ts";
import { createPageVolunteer, type PageVolunteer } from "../../../web/state/volunteer.svelte.ts";
import type { IdentityApi, Snapshot, TrialApi } from "../../../worker/api.ts";
import { READY } from "../../../worker/run/snapshot-feed.ts";
import { recordEngine } from "../../fixtures/recorded-engine.ts";
import { answers, card, contributor } from "./relay-data.ts";

/** Of this browser's key, as the stage has them. */
export const KEY_WORDS = `${"abandon ".repeat(23)}art`;

/** Mount the page. `calls` lists what it asked of the engine, "open" when it was loaded. */
export function openPage(
  options: {
    readonly updateWaits?: boolean;
    readonly architecture?: Architecture;
    /** What the model's data are, beside the stage's own. */
    readonly data?: Partial<Recipe["data"]>;
    /** What the model was forked from. */
    readonly lineage?: ModelCard["lineage"];
    readonly otherTab?: OtherTab;
    /** What this browser keeps from an earlier visit; null for no key. */
    readonly ownKey?: string | null;
    /** Its words; null for a key of an earlier page, which its browser does not let out. */
    readonly ownWords?: string | null;
    /** The rules that hold work back cannot be fetched, until `fetchGuest`. */
    readonly guestMissed?: boolean;
  } = {},
) {
  const { ownWords = KEY_WORDS } = options;
  location.hash = "#/";
  const target = document.body.appendChild(document.createElement("div"));
  const calls: unknown[][] = [];
  const posts: [path: string, request: unknown][] = [];
  const stream = new EventTarget();
  const memory = new Map<string, string>();
  let isDead = false;
  let isGuestMissed = options.guestMissed ?? false;
  const known: Record<string, unknown> = { ...answers };
  let listener: (snapshot: Snapshot) => void = () => {};
  const { api, command } = recordEngine(calls);
  const trial: TrialApi = {
    load: command("load"),
    async predict(pixels) {
      calls.push(["predict", pixels.length]);
      return [0.9, 0.4].map((share) =>
        Float32Array.from({ length: 10 }, (_, digit) => (digit === 7 ? share : (1 - share) / 9)),
      );
    },
    async disagreements(model, most) {
      calls.push(["disagreements", model, most]);
      const pixels = new Uint8Array(784).fill(128);
      return [{ pixels, label: 4, answers: [4, 9] }];
    },
    async write(task, onText) {
      calls.push(["write", task.prompt]);
      for (const text of [" ", " é", " é!"]) await onText(0, text);
    },
    stop: command("stop writing"),
  };
  const client = createRelayClient({
    baseUrl: "http://relay",
    fetch: async (url, { method, body }) => {
      const path = url.replace("http://relay/api/v1", "");
      const { architecture = card.recipe.architecture } = options;
      const data = { ...card.recipe.data, ...options.data };
      const { lineage = card.lineage } = options;
      const shown = { ...card, lineage, recipe: { ...card.recipe, architecture, data } };
      if (isDead) throw new TypeError("nobody answers");
      const answer = path === "/models" ? { models: [shown] } : known[path];
      if (answer === undefined) throw new TypeError(`the stage has no answer for ${url}`);
      if (method === "POST") posts.push([path, JSON.parse(new TextDecoder().decode(body))]);
      return Response.json(answer);
    },
  });
  const page = mount(App, {
    target,
    props: {
      relay: createRelay(
        client,
        async () => client,
        () => Object.assign(stream, { close: () => {}, readyState: 1 }) as unknown as EventStream,
        { now: () => Date.now(), steadyMs: () => performance.now() },
      ),
      volunteer: createPageVolunteer({
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
        sharing: {
          openRoad: async () => new MessageChannel().port1,
          closeRoad: () => {},
          isMetered: () => false,
          onMetered: () => {},
        },
      }),
      route: createRoute(window),
      clock: createClock(),
      update: {
        available: options.updateWaits ?? false,
        apply: command("apply update"),
      },
      missing: Promise.resolve(null),
      otherTab: options.otherTab ?? noOtherTab,
      withIdentity: async <T>(work: (identity: IdentityApi) => Promise<T>) => {
        const setName = async (name: string | null) => void calls.push(["set name", name]);
        return work({
          contributor: async () => options.ownKey ?? null,
          setName,
          words: async () => ownWords,
          contributorOf: async () => "cd".repeat(32),
          restore: async (words) => void calls.push(["restore", words]),
        });
      },
      openGuest: async (volunteer: PageVolunteer) => {
        if (isGuestMissed) throw new TypeError("nobody answers");
        const around = guestSurroundings({ getItem: () => null, setItem: () => {} });
        return createGuest(volunteer, { ...around, battery: Promise.resolve(null) });
      },
      storage: { getItem: () => null, setItem: () => {} },
      openTrialEngine: () => {
        calls.push(["open trial"]);
        return { api: trial, failed: new Promise<never>(() => {}), close: command("close trial") };
      },
    },
  });
  stream.dispatchEvent(new Event("open"));
  return {
    calls,
    /** What was sent to the relay, in order. */
    posts,
    /** The engine's next snapshot. */
    tell(change: Partial<Snapshot>): void {
      const underway = ["downloading", "training", "uploading"].includes(change.phase ?? "ready");
      flushSync(() => listener({ ...READY, contributor, model: "digits", underway, ...change }));
    },
    fetchGuest(): void {
      isGuestMissed = false;
    },
    /** What the relay answers from now on. */
    answer(path: string, body: unknown): void {
      known[path] = body;
    },
    /** The relay's machine goes away: the line breaks, and nothing answers. */
    die(): void {
      for (const path of Object.keys(known)) delete known[path];
      isDead = true;
      stream.dispatchEvent(new Event("error"));
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
